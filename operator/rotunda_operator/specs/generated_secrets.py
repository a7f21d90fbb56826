"""Secrets of an installation that the operator generates: their values are drawn once and then kept.

They have no owner reference. What they give access to (a database's volume, tokens that people have, an
authority that browsers trust) outlives the Helm release. The chart's NOTES list them.
"""

import base64
from collections.abc import Callable

from rotunda_kube.resource import Manifest
from rotunda_operator.certificates import Pair
from rotunda_operator.settings import Generated
from rotunda_operator.specs.metadata import COMPONENT, MANAGED_BY, OPERATOR

HTTPS = "rotunda-https"
HTTPS_AUTHORITY = "rotunda-https-ca"
API_KEY_BYTES = 36
PASSWORD_BYTES = 24

Draw = Callable[[int], str]
"""Draws so many random bytes as URL-safe base64, like `secrets.token_urlsafe`."""


def secret_name(what: Generated) -> str:
    """One name for each kind: a namespace has at most one installation."""
    return f"rotunda-{what}"


def drawn_secret(namespace: str, what: Generated, draw: Draw) -> Manifest:
    """A Secret with new values. Not for https, whose Secrets hold certificates."""
    match what:
        case "api-keys":
            values = {"default": draw(API_KEY_BYTES)}
        case "database":
            password = draw(PASSWORD_BYTES)
            host = f"rotunda-postgresql.{namespace}.svc:5432"
            values = {"password": password, "url": f"postgresql://rotunda:{password}@{host}/rotunda"}
        case "redis":
            password = draw(PASSWORD_BYTES)
            values = {
                "password": password,
                "url": f"redis://:{password}@rotunda-redis.{namespace}.svc:6379/0",
                # All other configuration of the bundled Redis is in its command line.
                "redis.conf": f"requirepass {password}\n",
            }
        case _:
            raise ValueError(f"{what} is not drawn")
    return _secret(namespace, secret_name(what), what, "Opaque", values)


def https_secret(namespace: str, name: str, pair: Pair, authority: Pair) -> Manifest:
    """The certificate (HTTPS), or the authority behind it (HTTPS_AUTHORITY)."""
    values = {
        "ca.crt": authority.certificate.decode(),
        "tls.crt": pair.certificate.decode(),
        "tls.key": pair.key.decode(),
    }
    return _secret(namespace, name, "https", "kubernetes.io/tls", values)


def _secret(namespace: str, name: str, component: str, kind: str, values: dict[str, str]) -> Manifest:
    labels = {"app.kubernetes.io/name": "rotunda", COMPONENT: component, MANAGED_BY: OPERATOR}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "type": kind,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
