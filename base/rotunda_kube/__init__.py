"""Talking to a Kubernetes API server: one small client and the informer on it, shared by the pods.

Reading order: `errors`, `resource`, `api`, `informer`.
"""

from rotunda_kube.api import KubeApi, Listing, WatchEvent
from rotunda_kube.errors import (
    AlreadyExists,
    Conflict,
    Gone,
    Invalid,
    KubeError,
    NamespaceGoes,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    ServerFailed,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from rotunda_kube.informer import Informer
from rotunda_kube.resource import Key, Manifest, Resource, key_of

__all__ = [
    "AlreadyExists",
    "Conflict",
    "Gone",
    "Informer",
    "Invalid",
    "Key",
    "KubeApi",
    "KubeError",
    "Listing",
    "Manifest",
    "NamespaceGoes",
    "NotAllowed",
    "NotFound",
    "QuotaExceeded",
    "Resource",
    "ServerFailed",
    "Throttled",
    "Unauthenticated",
    "Unavailable",
    "WatchEvent",
    "key_of",
]
