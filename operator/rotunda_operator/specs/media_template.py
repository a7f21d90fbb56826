"""The hash of the template of media node pods: a pod with another hash is replaced by a rolling update.

docs/decisions/0006-media-node-template.md says what the hash covers.
"""

import hashlib
import json

from rotunda_contract.resources import MediaCluster
from rotunda_operator.specs.installation import Installation

GENERATION = 1
"""Raise it when the builder has changed so much that running pods must be replaced, and only then."""


def template_hash(cluster: MediaCluster, installation: Installation) -> str:
    """The value of the label TEMPLATE."""
    media_nodes = cluster.spec.media_nodes
    # Without defaults: a field that a newer operator adds does not change the hash until somebody sets it.
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
