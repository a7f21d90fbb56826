"""The least that has to be written to come from what stands to what shall stand.

An object is left alone while it has every field that is wanted, whatever the API server or others added.
Builders always give the same keys, so nothing has to be taken away; lists are replaced whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from rotunda_kube.resource import MEDIA_CLUSTERS, Manifest


class Name(NamedTuple):
    """An object of the cluster's namespace."""

    kind: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> "Name":
        return cls(manifest["kind"], manifest["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Change:
    """`manifest` is the object to create, the merge patch, or the object to delete as it stands.

    `uid` and `resource_version` are of what stands, empty where nothing does.
    """

    action: Literal["create", "patch", "delete"]
    name: Name
    manifest: Manifest
    uid: str = ""
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`blocked`: names that are taken by objects of somebody else, which are left alone."""

    changes: tuple[Change, ...] = ()
    blocked: tuple[Name, ...] = ()


def plan(desired: Sequence[Manifest], actual: Iterable[Manifest], *, owner_uid: str) -> Plan:
    """`actual`: what stands of the kinds that the cluster makes. What it does not own is left alone.

    Creations and patches come in the order of `desired`, deletions last.
    """
    standing = {Name.of(manifest): manifest for manifest in actual}
    changes: list[Change] = []
    blocked: list[Name] = []
    for wanted in desired:
        name = Name.of(wanted)
        found = standing.pop(name, None)
        if found is None:
            changes.append(Change("create", name, wanted))
        elif not _is_owned(found, owner_uid):
            blocked.append(name)
        elif patch := missing(wanted, found):
            changes.append(_change("patch", patch, found))
    surplus = (left for left in standing.values() if _is_owned(left, owner_uid))
    changes += (_change("delete", left, left) for left in surplus)
    return Plan(tuple(changes), tuple(blocked))


def missing(wanted: Manifest, found: Manifest) -> Manifest:
    """The merge patch (RFC 7396) after which `found` has all of `wanted`; empty when it does."""
    patch: Manifest = {}
    for key, value in wanted.items():
        if isinstance(value, dict) and isinstance(found.get(key), dict):
            if inner := missing(value, found[key]):
                patch[key] = inner
        elif not _has(found.get(key), value):
            patch[key] = value
    return patch


def _has(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        # The API server drops what is empty.
        return isinstance(found or {}, dict) and not missing(wanted, found or {})
    if isinstance(wanted, list):
        have = found or []
        return (
            isinstance(have, list)
            and len(have) == len(wanted)
            and all(_has(a, b) for a, b in zip(have, wanted, strict=True))
        )
    return bool(found == wanted) or (not wanted and found is None)


def _change(action: Literal["patch", "delete"], manifest: Manifest, found: Manifest) -> Change:
    metadata = found["metadata"]
    return Change(
        action, Name.of(found), manifest, metadata.get("uid", ""), metadata.get("resourceVersion", "")
    )


def _is_owned(manifest: Manifest, uid: str) -> bool:
    owners = manifest["metadata"].get("ownerReferences", ())
    controllers = [owner for owner in owners if owner.get("controller")]
    return any(owner["kind"] == MEDIA_CLUSTERS.kind and owner["uid"] == uid for owner in controllers)
