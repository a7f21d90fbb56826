"""Whether this process may do everything that it has to do. The API server is asked before the lease is
taken.

The rules are in rules.json, which is generated from operator/rbac.yaml, as the chart's Roles are.
"""

import asyncio
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from rotunda_kube import KubeApi, KubeError
from rotunda_kube.resource import Manifest, Resource

REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")


class Permission(NamedTuple):
    """`resource` may be `rooms/status`; an empty `namespace` is the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str

    def __str__(self) -> str:
        where = f"in namespace {self.namespace}" if self.namespace else "in the whole cluster"
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group} {where}"


def needed_permissions(namespace: str) -> list[Permission]:
    """What an operator of this namespace needs."""
    rules = json.loads(files(__package__).joinpath("rules.json").read_text())
    return [
        *_permissions(rules["rotunda-operator"], namespace),
        *_permissions(rules["rotunda-operator-nodes"], ""),
    ]


async def missing_permissions(api: KubeApi, namespace: str) -> list[Permission]:
    """Those of them that this process does not have. Raises KubeError."""
    needed = needed_permissions(namespace)
    allowed = await asyncio.gather(
        *(_is_allowed(api, permission) for permission in needed), return_exceptions=True
    )
    for answer in allowed:
        if isinstance(answer, BaseException):
            raise answer if isinstance(answer, KubeError) else KubeError(str(answer))
    return [permission for permission, answer in zip(needed, allowed, strict=True) if not answer]


async def _is_allowed(api: KubeApi, permission: Permission) -> bool:
    resource, _, subresource = permission.resource.partition("/")
    asked = {
        "verb": permission.verb,
        "group": permission.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": permission.namespace,
    }
    review: Manifest = {
        "apiVersion": REVIEWS.api_version,
        "kind": REVIEWS.kind,
        "metadata": {},
        "spec": {"resourceAttributes": asked},
    }
    answer = await api.create(REVIEWS, review)
    return bool(answer["status"]["allowed"])


def _permissions(rules: list[Manifest], namespace: str) -> Iterator[Permission]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Permission(verb, group, resource, namespace)
