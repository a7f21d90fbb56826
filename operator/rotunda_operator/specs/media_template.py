"""Which pods of media nodes are of the current template: a hash of what a person decides of them.

What it covers is written down in docs/decisions/0006-media-node-template.md.
"""

import hashlib
import json

from rotunda_contract.resources import MediaCluster
from rotunda_operator.specs.installation import Installation

GENERATION = 1
"""Raise it where pods that run must be replaced because the builder makes them otherwise, and only then."""


def template_hash(cluster: MediaCluster, installation: Installation) -> str:
    """The value of the label TEMPLATE. Any two pods with the same one need not be replaced by each other."""
    media_nodes = cluster.spec.media_nodes
    # Without defaults: a field that a newer operator knows changes nothing until somebody sets it.
    covered = {
        "generation": GENERATION,
        "image": installation.image(cluster, "sfu"),
        "pull": [installation.pull_policy, *installation.pull_secrets],
        "otlp": installation.otlp_endpoint,
        "tls": installation.tls,
        "network": media_nodes.network.model_dump(exclude={"port_from", "port_to"}, exclude_defaults=True),
        "capacity": media_nodes.capacity.model_dump(exclude_defaults=True),
        "template": media_nodes.template.model_dump(exclude_defaults=True),
    }
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
