"""Whether this process may do what it has to: asked of the API server before it takes the lease.

What it needs is in rules.json, which is generated from operator/rbac.yaml as the chart's Roles are.
"""

import asyncio
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from rotunda_kube import KubeApi, KubeError
from rotunda_kube.resource import Manifest, Resource

REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")


class Right(NamedTuple):
    """`resource` may be `rooms/status`; an empty `namespace` is the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str

    def __str__(self) -> str:
        where = f"in namespace {self.namespace}" if self.namespace else "in the whole cluster"
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group} {where}"


def needed(namespace: str) -> list[Right]:
    """All of them, for an operator of this namespace."""
    rules = json.loads(files(__package__).joinpath("rules.json").read_text())
    return [
        *_rights(rules["rotunda-operator"], namespace),
        *_rights(rules["rotunda-operator-nodes"], ""),
    ]


async def missing(api: KubeApi, namespace: str) -> list[Right]:
    """Those that it does not have. Raises KubeError."""
    wanted = needed(namespace)
    allowed = await asyncio.gather(*(_is_allowed(api, right) for right in wanted), return_exceptions=True)
    for answer in allowed:
        if isinstance(answer, BaseException):
            raise answer if isinstance(answer, KubeError) else KubeError(str(answer))
    return [right for right, answer in zip(wanted, allowed, strict=True) if not answer]


async def _is_allowed(api: KubeApi, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    asked = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": right.namespace,
    }
    review: Manifest = {
        "apiVersion": REVIEWS.api_version,
        "kind": REVIEWS.kind,
        "metadata": {},
        "spec": {"resourceAttributes": asked},
    }
    answer = await api.create(REVIEWS, review)
    return bool(answer["status"]["allowed"])


def _rights(rules: list[Manifest], namespace: str) -> Iterator[Right]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Right(verb, group, resource, namespace)
