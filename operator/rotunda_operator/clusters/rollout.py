"""One step of a rolling update: a pure function. It brings the pods of a fleet to the cluster's current
template.

A media node that serves is marked here: it is cordoned, so that it gets no new rooms, and carries the
annotation UPDATE. The pod itself is replaced when the MediaNode is reconciled (`nodes.decide`), once it has
no rooms or its drain deadline has passed. A node that does not serve is replaced there without a mark.

If the new template does not work, no more than `maxUnavailable` media nodes are lost to it:
  - at most that many are in progress at once, from the cordon until the new pod serves;
  - all nodes without rooms are marked at once, but only after one with the new template serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_operator.clusters.cordon import NodePatch, is_cordoned_for_scale_down, is_marked_for_update
from rotunda_operator.conditions import find_condition
from rotunda_operator.specs.metadata import UPDATE


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far the rolling update is, and what to do now.

    `updated`: nodes with a pod of the current template. `older`: nodes with a pod of another one.
    `in_progress`: nodes that are marked and do not serve with a new pod yet. `waits_for`: what holds it up.
    """

    patches: tuple[NodePatch, ...] = ()
    updated: int = 0
    older: int = 0
    in_progress: int = 0
    waits_for: str = ""


def rollout_step(
    cluster: MediaCluster,
    nodes: Sequence[MediaNode],
    templates: Mapping[str, str],
    rooms: Mapping[str, int],
    template: str,
) -> Rollout:
    """`templates`: of the pod of each MediaNode that has one. `rooms`: how many are on each MediaNode."""
    fleet = [_Member(node, templates.get(node.metadata.name), template) for node in nodes]
    fleet = [member for member in fleet if _stays(member.node)]
    marked = [member for member in fleet if member.marked]
    patches = [patch for member in marked if (patch := member.advance()) is not None]
    in_progress = [member for member in marked if not member.serves_updated]
    proven = any(member.serves_updated for member in fleet)
    left = cluster.spec.media_nodes.max_unavailable - len(in_progress)
    newly_marked = 0
    for member in sorted(
        (member for member in fleet if member.can_be_marked),
        key=lambda member: (rooms.get(member.name, 0), member.name),
    ):
        if left <= 0 and not (proven and rooms.get(member.name, 0) == 0):
            continue
        left -= 1
        newly_marked += 1
        patches.append(member.mark())
    return Rollout(
        patches=tuple(patches),
        updated=sum(member.updated for member in fleet),
        older=sum(member.older for member in fleet),
        in_progress=len(in_progress) + newly_marked,
        waits_for=_waits_for(in_progress),
    )


def _stays(node: MediaNode) -> bool:
    return node.metadata.deletion_timestamp is None and not is_cordoned_for_scale_down(node)


def _waits_for(in_progress: Sequence["_Member"]) -> str:
    sentences = []
    for member in in_progress:
        if member.older:
            sentences.append(f"{member.name} takes no new rooms and waits for its own to end.")
            continue
        ready = find_condition(member.node.status.conditions, "Ready")
        why = f" {ready.message}" if ready is not None and ready.status == "False" else ""
        sentences.append(f"{member.name} has a new pod that does not serve yet.{why}")
    return " ".join(sentences)[:1000]


@dataclass(frozen=True, slots=True)
class _Member:
    """One media node. `actual` is the template of its pod, None where it has no pod; `desired` the current
    one."""

    node: MediaNode
    actual: str | None
    desired: str

    @property
    def name(self) -> str:
        return self.node.metadata.name

    @property
    def marked(self) -> bool:
        return is_marked_for_update(self.node)

    @property
    def updated(self) -> bool:
        return self.actual == self.desired

    @property
    def older(self) -> bool:
        return self.actual is not None and not self.updated

    @property
    def serves_updated(self) -> bool:
        return self.updated and self.node.status.phase == "Ready"

    @property
    def can_be_marked(self) -> bool:
        """A node that somebody else has cordoned is not marked: its pod is replaced when it is empty, or
        it is marked after it was uncordoned."""
        serves = self.node.status.phase in ("Ready", "Draining")
        return self.older and serves and not self.node.spec.cordoned and not self.marked

    def mark(self) -> NodePatch:
        annotations = {UPDATE: self.desired}
        patch = {"spec": {"cordoned": True}, "metadata": {"annotations": annotations}}
        return NodePatch(self.node, patch, "Renews")

    def advance(self) -> NodePatch | None:
        """The next step of a node that is marked."""
        cordoned_for_it = self.node.spec.cordoned and self.node.metadata.annotations[UPDATE] == self.desired
        if self.older and not cordoned_for_it:
            return self.mark()  # the template has changed again, or somebody has uncordoned the node
        if self.updated and self.node.spec.cordoned:
            return NodePatch(self.node, {"spec": {"cordoned": False}}, "Has renewed")
        if self.serves_updated:
            return NodePatch(self.node, {"metadata": {"annotations": {UPDATE: None}}}, "")
        return None
