"""How a MediaNode that the operator has cordoned tells why: a person's has no mark."""

from dataclasses import dataclass

from rotunda_contract.resources import GROUP, MediaNode
from rotunda_kube.resource import Manifest
from rotunda_operator.specs.metadata import UPDATE

SCALE_DOWN = f"{GROUP}/scale-down"
"""Annotation of a MediaNode that the operator has cordoned to remove it."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A merge patch for a MediaNode, refused by the API server if it has changed meanwhile. `why` is told."""

    node: MediaNode
    patch: Manifest
    why: str


def is_scaled_down(node: MediaNode) -> bool:
    """By us, and nobody has uncordoned it since."""
    return node.spec.cordoned and node.metadata.annotations.get(SCALE_DOWN) == "true"


def is_marked(node: MediaNode) -> bool:
    """Whether it was cordoned to get another pod."""
    return UPDATE in node.metadata.annotations
