"""Why the operator has cordoned a MediaNode: an annotation says it. One that a person cordoned has none."""

from dataclasses import dataclass

from rotunda_contract.resources import GROUP, MediaNode
from rotunda_kube.resource import Manifest
from rotunda_operator.specs.metadata import UPDATE

SCALE_DOWN = f"{GROUP}/scale-down"
"""Annotation of a MediaNode that the operator has cordoned to remove it."""


@dataclass(frozen=True, slots=True)
class NodePatch:
    """A merge patch of a MediaNode. The API server refuses it if the node has changed meanwhile.

    `what` begins the message of an Event about it ("Drains"); empty: there is none.
    """

    node: MediaNode
    patch: Manifest
    what: str


def is_cordoned_for_scale_down(node: MediaNode) -> bool:
    """Whether the operator has cordoned it to remove it, and nobody has uncordoned it since."""
    return node.spec.cordoned and node.metadata.annotations.get(SCALE_DOWN) == "true"


def is_marked_for_update(node: MediaNode) -> bool:
    """Whether the operator has cordoned it to give it a pod of another template, and that is not done yet."""
    return UPDATE in node.metadata.annotations
