"""Keys and tokens for tests, and tokens that no honest signer makes."""

import base64
import hmac
import json
import secrets
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from rotunda_signaling.auth.keys import ApiKey

KEY = ApiKey("backend", b"0123456789abcdef0123456789abcdef")
HEADER = {"alg": "HS256", "typ": "JWT", "kid": KEY.id}
OTHER_KEY = ApiKey("other", b"fedcba9876543210fedcba9876543210")


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good join token; None takes one out."""
    now = int(time.time())
    good = {
        "aud": "rotunda",
        "room": "standup",
        "identity": "ada",
        "grants": ["publish", "subscribe", "chat"],
        "jti": secrets.token_hex(12),
        "iat": now,
        "exp": now + 3600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(
    key: ApiKey = KEY, *, algorithm: str = "HS256", header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A join token with these claims instead of good ones."""
    return jwt.encode(claims(**changes), key.secret, algorithm, headers={"kid": key.id, **(header or {})})


def api_token(key: ApiKey = KEY, **changes: Any) -> str:
    now = int(time.time())
    body = {"aud": "rotunda-api", "iat": now, "exp": now + 300} | changes
    return jwt.encode(body, key.secret, "HS256", headers={"kid": key.id})


def pack(header: object, payload: object, signature: bytes = b"") -> str:
    """Three parts of a token, whatever they are."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def rsa_pair() -> tuple[bytes, bytes]:
    """A private and a public key as PEM."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def hmac_signed(secret: bytes, header: object, payload: object) -> str:
    """HS256 with any bytes as the secret, also those that a library would refuse."""
    unsigned = pack(header, payload).removesuffix(".")
    signature = hmac.digest(secret, unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def worthless_tokens() -> dict[str, tuple[str, str]]:
    """Tokens that somebody without the key, or with a wrong one, may try, by what is wrong with them;
    and what is said of each."""
    private, public = rsa_pair()
    header, body = HEADER, claims()
    good = token()
    head, payload, signature = good.split(".")
    richer = pack(header, claims(grants=["moderate"])).split(".")[1]
    return {
        "alg none": (pack({**header, "alg": "none"}, body), "says alg 'none', only 'HS256'"),
        "alg none in capitals": (pack({**header, "alg": "NONE"}, body), "says alg 'NONE'"),
        "no alg": (pack({"kid": KEY.id}, body), "says alg missing"),
        "no signature": (f"{head}.{payload}.", "was not signed by the key 'backend'"),
        "RS256": (
            jwt.encode(body, private, "RS256", headers={"kid": KEY.id}),
            "says alg 'RS256', only 'HS256'",
        ),
        "HS256 with a public key": (hmac_signed(public, header, body), "was not signed by the key"),
        "HS512": (token(algorithm="HS512"), "says alg 'HS512'"),
        "another key's signature": (token(OTHER_KEY, header={"kid": KEY.id}), "was not signed by the key"),
        "unknown key": (token(OTHER_KEY), "names the key 'other', which this server does not have"),
        "a path for a key": (token(header={"kid": "../../etc/passwd"}), "which this server does not have"),
        "no key": (pack({"alg": "HS256"}, body), "kid must be the id of an API key"),
        "key that is a number": (pack({**header, "kid": 5}, body), "is not valid: Key ID"),
        "tampered payload": (f"{head}.{richer}.{signature}", "was not signed by the key"),
        "critical header": (
            hmac_signed(KEY.secret, {**header, "crit": ["x"], "x": 1}, body),
            "is not valid: ",
        ),
        **_with_worthless_claims(),
    }


def _with_worthless_claims() -> dict[str, tuple[str, str]]:
    """Signed as they should be."""
    now = int(time.time())
    return {
        "wrong audience": (token(aud="elsewhere"), "audience (aud) is 'elsewhere'"),
        "two audiences": (token(aud=["rotunda", "x"]), "audience (aud) is ['rotunda', 'x']"),
        "no audience": (token(aud=None), "audience (aud) is missing"),
        "an API token": (api_token(), "audience (aud) is 'rotunda-api'"),
        "a guest's token": (
            token(aud="rotunda-guest", participant="p"),
            "audience (aud) is 'rotunda-guest'",
        ),
        "expired": (token(iat=now - 120, exp=now - 60), "the token has expired at "),
        "not yet valid": (token(nbf=now + 86_400), "is not valid before "),
        "made in the future": (token(iat=now + 86_400), "are the clocks right?"),
        "oversized": (token(x="x" * 4096), "characters, at most 4096 are accepted"),
        "nested too deep": (hmac_signed(KEY.secret, HEADER, _nest(300)) + "x" * 3, "the token"),
        "not an object": (hmac_signed(KEY.secret, HEADER, ["rotunda"]), "is not valid: "),
        "no JWT": ("abc", "is no JWT"),
        "no base64": ("a.b.c", "is no JWT"),
        "empty": ("", "must be a text"),
        "no room": (token(room=None), "room: Field required"),
        "no identity": (token(identity=None), "identity: Field required"),
        "empty identity": (token(identity=""), "identity: String should have at least 1"),
        "no grants": (token(grants=None), "grants: Field required"),
        "unknown grant": (token(grants=["fly"]), "grants.0: Input should be 'publish'"),
        "a grant that does nothing yet": (
            token(grants=["publish", "record"]),
            "grants: 'record' is not possible yet: leave it out",
        ),
        "grants as a text": (token(grants="publish"), "grants: Input should be a valid tuple"),
        "no id": (token(jti=None), "jti: Field required"),
        "no expiry": (token(exp=None), "exp: Field required"),
        "no time of making": (token(iat=None), "iat: Field required"),
        "expiry as a text": (token(exp=str(now + 60)), "exp: Input should be a valid number"),
        "expiry as a boolean": (token(exp=True), "exp: "),
        "endless": (hmac_signed(KEY.secret, HEADER, claims(exp=float("inf"))), "exp: "),
        "expiry that is no number": (hmac_signed(KEY.secret, HEADER, claims(exp=float("nan"))), "exp: "),
        "expiry beyond all years": (token(exp=10**300), "exp: "),
    }


def _nest(depth: int) -> object:
    nested: object = 1
    for _ in range(depth):
        nested = [nested]
    return nested
