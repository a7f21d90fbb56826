"""Compares an actual object with the desired one: pure functions.

The fields in OWNED_PATHS belong to the operator alone: what others set there is removed. Everywhere else
others may add fields: labels, annotations, defaults of the API server, what controllers fill in.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from rotunda_kube.resource import Manifest
from rotunda_operator.owned.fields import Fields, Path, has_more_than, part, united, without

MANAGER = "rotunda-operator"
"""The operator's name as a field manager of server-side apply."""
FORMER_MANAGER = "Python"
"""The field manager of earlier releases, which gave no name: the API server took it from the user agent."""

OWNED_PATHS: dict[str, tuple[Path, ...]] = {
    "Deployment": (("spec",),),
    "PodDisruptionBudget": (("spec",),),
    "Role": (("rules",),),
    "RoleBinding": (("roleRef",), ("subjects",)),
    "Secret": (("data",),),
    "Service": (("spec", "selector"), ("spec", "ports")),
    "ServiceAccount": (),
}
SHARED_PATHS: dict[str, tuple[Path, ...]] = {
    # `kubectl rollout restart` sets annotations there.
    "Deployment": (("spec", "template", "metadata", "annotations"),),
}
"""Fields below OWNED_PATHS that others may set all the same."""
OWNED_MAPS: dict[str, tuple[Path, ...]] = {
    "Deployment": (("spec", "template", "metadata", "labels"),),
    "PodDisruptionBudget": (("spec", "selector", "matchLabels"),),
    "Secret": (("data",),),
    "Service": (("spec", "selector"),),
}
"""Maps without any other keys than the desired ones, even if the record does not say who has set them."""


class Name(NamedTuple):
    """Kind and name of an object in the cluster's namespace."""

    kind: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> "Name":
        return cls(manifest["kind"], manifest["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Difference:
    """False where the objects are equal.

    `managed`: new `managedFields`, to be written before the apply, so that the apply removes what others have
    set in our fields. None where no such change is needed.
    """

    differs: bool
    managed: list[Manifest] | None = None

    def __bool__(self) -> bool:
        return self.differs


def compare(desired: Manifest, actual: Manifest) -> Difference:
    """Both are of the same kind and name."""
    entries: list[Manifest] = actual["metadata"].get("managedFields", [])
    if any(_sets_undesired(entry, desired) for entry in entries if not _is_ours(entry)):
        return Difference(True, _take_over(entries, desired))
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    dropped = ours is not None and has_more_than(ours.get("fieldsV1", {}), desired)
    return Difference(dropped or bool(repair(desired, actual)))


def repair(desired: Manifest, actual: Manifest) -> Manifest:
    """The merge patch (RFC 7396) that puts all of `desired` into `actual`; empty when it has all of it.

    Lists are replaced whole. From OWNED_MAPS keys that are not desired are removed.
    """
    patch = _missing(desired, actual)
    for path in OWNED_MAPS.get(desired["kind"], ()):
        want, have = _value(desired, path), _value(actual, path)
        extra = have.keys() - want.keys() if isinstance(want, dict) and isinstance(have, dict) else ()
        if extra:
            below = patch
            for name in path:
                below = below.setdefault(name, {})
            below.update(dict.fromkeys(extra))
    return patch


def is_controlled(manifest: Manifest, owner_uid: str) -> bool:
    """Whether its controlling owner has this UID."""
    owners = manifest["metadata"].get("ownerReferences", ())
    return any(owner["uid"] == owner_uid for owner in owners if owner.get("controller"))


def _is_ours(entry: Manifest) -> bool:
    return entry.get("manager") == MANAGER and entry.get("operation") == "Apply"


def _sets_undesired(entry: Manifest, desired: Manifest) -> bool:
    """Whether an entry of another manager has fields of ours that are not desired."""
    return any(has_more_than(fields, desired) for fields in _owned_part(entry, desired["kind"]))


def _owned_part(entry: Manifest, kind: str) -> list[Fields]:
    """The fields of an entry below OWNED_PATHS; all fields where the operator itself set them earlier."""
    fields: Fields = entry.get("fieldsV1", {})
    if entry.get("subresource"):
        return []
    for path in SHARED_PATHS.get(kind, ()):
        fields = without(fields, path)
    if entry.get("operation") == "Update" and entry.get("manager") in (FORMER_MANAGER, MANAGER):
        return [fields]
    return [owned for path in OWNED_PATHS[kind] if (owned := part(fields, path))]


def _take_over(entries: list[Manifest], desired: Manifest) -> list[Manifest]:
    """The `managedFields` in which fields of ours that others have set are recorded as set by us.

    The next apply does not have these fields, so the API server removes them. kubectl does the same when it
    changes to server-side apply (k8s.io/client-go/util/csaupgrade).
    """
    ours: Fields = {}
    kept: list[Manifest] = []
    our_entry: Manifest = {"apiVersion": desired["apiVersion"]}
    for entry in entries:
        if _is_ours(entry):
            our_entry, ours = entry, united(ours, entry.get("fieldsV1", {}))
            continue
        taken = _owned_part(entry, desired["kind"])
        fields: Fields = entry.get("fieldsV1", {})
        for owned in taken:
            ours = united(ours, owned)
            fields = _minus(fields, owned)
        if not taken or set(fields) - {"."}:
            kept.append({**entry, "fieldsV1": fields})
    kept.append(
        {**our_entry, "manager": MANAGER, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": ours}
    )
    return kept


def _minus(fields: Fields, taken: Fields) -> Fields:
    """The set without the leaves of another set."""
    result: Fields = {}
    for key, below in fields.items():
        if key not in taken:
            result[key] = below
        elif below and (rest := _minus(below, taken[key])):
            result[key] = rest
    return result


def _missing(desired: Manifest, actual: Manifest) -> Manifest:
    patch: Manifest = {}
    for key, value in desired.items():
        if isinstance(value, dict) and isinstance(actual.get(key), dict):
            if inner := _missing(value, actual[key]):
                patch[key] = inner
        elif not _has(actual.get(key), value):
            patch[key] = value
    return patch


def _has(actual: Any, desired: Any) -> bool:
    if isinstance(desired, dict):
        # The API server drops empty values.
        return isinstance(actual or {}, dict) and not _missing(desired, actual or {})
    if isinstance(desired, list):
        have = actual or []
        return (
            isinstance(have, list)
            and len(have) == len(desired)
            and all(_has(a, b) for a, b in zip(have, desired, strict=True))
        )
    return bool(actual == desired) or (not desired and actual is None)


def _value(manifest: Manifest, path: Path) -> Any:
    value: Any = manifest
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
