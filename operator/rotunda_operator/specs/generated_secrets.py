"""Secrets of an installation that nobody brings along: drawn once, then kept by whoever finds them.

They have no owner: what they open (a database's volume, tokens that people have, an authority that browsers
trust) outlives the release that asked for them. The chart's NOTES name them.
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
"""So many random bytes as URL-safe base64, such as `secrets.token_urlsafe`."""


def secret_name(what: Generated) -> str:
    """The names are an installation's own: there is one in a namespace."""
    return f"rotunda-{what}"


def drawn_secret(namespace: str, what: Generated, draw: Draw) -> Manifest:
    """A new one. Not for https, whose Secrets are certificates."""
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
                # What else the bundled Redis is told stands in its arguments.
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
