"""One step of bringing a fleet to its cluster's current template: a pure function.

Here is decided which media nodes that serve give up their pod, and so take no new rooms: they are cordoned
and carry the annotation UPDATE. The pod itself is replaced by the look at its MediaNode (`nodes.decide`),
once it has no rooms or its drain deadline has passed. One that does not serve is replaced there unasked.

So that a template that does not work takes no more than `maxUnavailable` media nodes with it:
  - at most that many are on their way at once, from the cordon until the new pod serves;
  - those without rooms go all at once, but only when one of the new template serves already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_operator.clusters.cordon import Patch, is_marked, is_scaled_down
from rotunda_operator.conditions import find
from rotunda_operator.specs.metadata import UPDATE


@dataclass(frozen=True, slots=True)
class Rollout:
    """`patch` is to be done now. `updated`: how many have a pod of the current template, `older` how many
    have one of another, `under_way` how many were asked and do not serve with it yet. `waits`: for what."""

    patch: tuple[Patch, ...] = ()
    updated: int = 0
    older: int = 0
    under_way: int = 0
    waits: str = ""


def rollout(
    cluster: MediaCluster,
    nodes: Sequence[MediaNode],
    templates: Mapping[str, str],
    occupied: Mapping[str, int],
    template: str,
) -> Rollout:
    """`templates`: of the pod of each MediaNode that has one. `occupied`: rooms on each."""
    fleet = [_Member(node, templates.get(node.metadata.name), template) for node in nodes]
    fleet = [member for member in fleet if node_stays(member.node)]
    marked = [member for member in fleet if member.marked]
    patches = [patch for member in marked if (patch := member.settle()) is not None]
    under_way = [member for member in marked if not member.serves_updated]
    proven = any(member.serves_updated for member in fleet)
    left = cluster.spec.media_nodes.max_unavailable - len(under_way)
    taken = 0
    for member in sorted(
        (member for member in fleet if member.can_be_asked),
        key=lambda member: (occupied.get(member.name, 0), member.name),
    ):
        if left <= 0 and not (proven and occupied.get(member.name, 0) == 0):
            continue
        left -= 1
        taken += 1
        patches.append(member.mark())
    return Rollout(
        patch=tuple(patches),
        updated=sum(member.updated for member in fleet),
        older=sum(member.older for member in fleet),
        under_way=len(under_way) + taken,
        waits=_waits(under_way),
    )


def node_stays(node: MediaNode) -> bool:
    return node.metadata.deletion_timestamp is None and not is_scaled_down(node)


def _waits(under_way: Sequence["_Member"]) -> str:
    sentences = []
    for member in under_way:
        if member.older:
            sentences.append(f"{member.name} takes no new rooms and waits for its own to end.")
            continue
        ready = find(member.node.status.conditions, "Ready")
        why = f" {ready.message}" if ready is not None and ready.status == "False" else ""
        sentences.append(f"{member.name} has a new pod that does not serve yet.{why}")
    return " ".join(sentences)[:1000]


@dataclass(frozen=True, slots=True)
class _Member:
    """One media node; `has` is the template of its pod, None where it has no pod."""

    node: MediaNode
    has: str | None
    wants: str

    @property
    def name(self) -> str:
        return self.node.metadata.name

    @property
    def marked(self) -> bool:
        return is_marked(self.node)

    @property
    def updated(self) -> bool:
        return self.has == self.wants

    @property
    def older(self) -> bool:
        return self.has is not None and not self.updated

    @property
    def serves_updated(self) -> bool:
        return self.updated and self.node.status.phase == "Ready"

    @property
    def can_be_asked(self) -> bool:
        """One that somebody else has cordoned is replaced when it is empty, or when it is taken back."""
        serves = self.node.status.phase in ("Ready", "Draining")
        return self.older and serves and not self.node.spec.cordoned and not self.marked

    def mark(self) -> Patch:
        annotations = {UPDATE: self.wants}
        patch = {"spec": {"cordoned": True}, "metadata": {"annotations": annotations}}
        return Patch(self.node, patch, "Renews")

    def settle(self) -> Patch | None:
        """What is to be done with one that was asked before."""
        asked = self.node.spec.cordoned and self.node.metadata.annotations[UPDATE] == self.wants
        if self.older and not asked:
            return self.mark()  # for a newer template, or because somebody has uncordoned it
        if self.updated and self.node.spec.cordoned:
            return Patch(self.node, {"spec": {"cordoned": False}}, "Has renewed")
        if self.serves_updated:
            return Patch(self.node, {"metadata": {"annotations": {UPDATE: None}}}, "")
        return None
