"""How what stands differs from what shall stand: pure functions over two manifests.

Ours whole are the parts that PARTS names: what others put there goes again. Elsewhere others may add what
they like: labels, annotations, what controllers and the API server fill in.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from rotunda_kube.resource import Manifest
from rotunda_operator.owned.fields import Fields, Path, has_more_than, part, united, without

MANAGER = "rotunda-operator"
"""The operator's name among those who set fields."""
FORMER = "Python"
"""What the API server took from the client's user agent before the operator gave a name."""

PARTS: dict[str, tuple[Path, ...]] = {
    "Deployment": (("spec",),),
    "PodDisruptionBudget": (("spec",),),
    "Role": (("rules",),),
    "RoleBinding": (("roleRef",), ("subjects",)),
    "Secret": (("data",),),
    "Service": (("spec", "selector"), ("spec", "ports")),
    "ServiceAccount": (),
}
LEFT: dict[str, tuple[Path, ...]] = {
    # `kubectl rollout restart` writes there.
    "Deployment": (("spec", "template", "metadata", "annotations"),),
}
"""Of PARTS, what is left to others."""
MAPS: dict[str, tuple[Path, ...]] = {
    "Deployment": (("spec", "template", "metadata", "labels"),),
    "PodDisruptionBudget": (("spec", "selector", "matchLabels"),),
    "Secret": (("data",),),
    "Service": (("spec", "selector"),),
}
"""Maps of which every key counts, also one that nobody is recorded to have set."""


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
class Difference:
    """False where there is none. `managed`: the record of who set what, to be written first, so that what is
    ours alone is taken away by the next apply; None where it may stay."""

    differs: bool
    managed: list[Manifest] | None = None

    def __bool__(self) -> bool:
        return self.differs


def compare(wanted: Manifest, found: Manifest) -> Difference:
    """`found` is of the same kind and name as `wanted`."""
    entries: list[Manifest] = found["metadata"].get("managedFields", [])
    if any(_oversteps(entry, wanted) for entry in entries if not _is_ours(entry)):
        return Difference(True, _taken_over(entries, wanted))
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    dropped = ours is not None and has_more_than(ours.get("fieldsV1", {}), wanted)
    return Difference(dropped or bool(repair(wanted, found)))


def repair(wanted: Manifest, found: Manifest) -> Manifest:
    """The merge patch (RFC 7396) after which `found` has all of `wanted`; empty when it does.

    Lists are replaced whole, and MAPS get rid of keys that are not wanted.
    """
    patch = _missing(wanted, found)
    for path in MAPS.get(wanted["kind"], ()):
        want, have = _value(wanted, path), _value(found, path)
        extra = have.keys() - want.keys() if isinstance(want, dict) and isinstance(have, dict) else ()
        if extra:
            below = patch
            for name in path:
                below = below.setdefault(name, {})
            below.update(dict.fromkeys(extra))
    return patch


def is_controlled(manifest: Manifest, owner_uid: str) -> bool:
    """Whether the one owner that decides of it has this UID."""
    owners = manifest["metadata"].get("ownerReferences", ())
    return any(owner["uid"] == owner_uid for owner in owners if owner.get("controller"))


def _is_ours(entry: Manifest) -> bool:
    return entry.get("manager") == MANAGER and entry.get("operation") == "Apply"


def _oversteps(entry: Manifest, wanted: Manifest) -> bool:
    """Whether somebody has set what is not wanted in what is ours whole."""
    return any(has_more_than(fields, wanted) for fields in _ours_of(entry, wanted["kind"]))


def _ours_of(entry: Manifest, kind: str) -> list[Fields]:
    """Of what somebody has set, what is in parts that are ours whole; all of what we once set ourselves."""
    fields: Fields = entry.get("fieldsV1", {})
    if entry.get("subresource"):
        return []
    for path in LEFT.get(kind, ()):
        fields = without(fields, path)
    if entry.get("operation") == "Update" and entry.get("manager") in (FORMER, MANAGER):
        return [fields]
    return [found for path in PARTS[kind] if (found := part(fields, path))]


def _taken_over(entries: list[Manifest], wanted: Manifest) -> list[Manifest]:
    """The record with what others have set in our parts as set by us: an apply that lacks it takes it away.

    So does kubectl when it turns to server-side apply (k8s.io/client-go/util/csaupgrade).
    """
    ours: Fields = {}
    kept: list[Manifest] = []
    mine: Manifest = {"apiVersion": wanted["apiVersion"]}
    for entry in entries:
        if _is_ours(entry):
            mine, ours = entry, united(ours, entry.get("fieldsV1", {}))
            continue
        taken = _ours_of(entry, wanted["kind"])
        fields: Fields = entry.get("fieldsV1", {})
        for found in taken:
            ours = united(ours, found)
            fields = _minus(fields, found)
        if not taken or set(fields) - {"."}:
            kept.append({**entry, "fieldsV1": fields})
    kept.append(
        {**mine, "manager": MANAGER, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": ours}
    )
    return kept


def _minus(fields: Fields, taken: Fields) -> Fields:
    """The set without the leaves of another."""
    result: Fields = {}
    for key, below in fields.items():
        if key not in taken:
            result[key] = below
        elif below and (rest := _minus(below, taken[key])):
            result[key] = rest
    return result


def _missing(wanted: Manifest, found: Manifest) -> Manifest:
    patch: Manifest = {}
    for key, value in wanted.items():
        if isinstance(value, dict) and isinstance(found.get(key), dict):
            if inner := _missing(value, found[key]):
                patch[key] = inner
        elif not _has(found.get(key), value):
            patch[key] = value
    return patch


def _has(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        # The API server drops what is empty.
        return isinstance(found or {}, dict) and not _missing(wanted, found or {})
    if isinstance(wanted, list):
        have = found or []
        return (
            isinstance(have, list)
            and len(have) == len(wanted)
            and all(_has(a, b) for a, b in zip(have, wanted, strict=True))
        )
    return bool(found == wanted) or (not wanted and found is None)


def _value(manifest: Manifest, path: Path) -> Any:
    value: Any = manifest
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
