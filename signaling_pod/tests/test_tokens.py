"""Which tokens are taken, and what is said of those that are not."""

import dataclasses
import time

import pytest

from rotunda_contract.errors import Unauthorized
from rotunda_contract.kinds import KINDS
from rotunda_contract.signaling.common import ParticipantKind, Permission
from rotunda_signaling.auth import testing
from rotunda_signaling.auth.authenticator import Authenticator
from rotunda_signaling.auth.grants import GRANTS
from rotunda_signaling.auth.key_directory import FixedKeys
from rotunda_signaling.auth.keys import KeyRing
from rotunda_signaling.auth.testing import KEY, OTHER_KEY, api_token, pack, token, worthless_tokens
from rotunda_signaling.auth.tokens import (
    LEEWAY,
    MAX_TOKEN_LENGTH,
    ApiClaims,
    Claims,
    GuestClaims,
    JoinClaims,
    read_token,
    sign_api,
    sign_join,
)

RING = KeyRing([KEY])
WORTHLESS = worthless_tokens()


def read(text: object, now: float | None = None, keys: KeyRing = RING) -> Claims:
    return read_token(text, keys, time.time() if now is None else now, "rotunda")


@pytest.mark.parametrize("what", WORTHLESS)
def test_a_worthless_token_is_refused_and_why_is_said(what: str) -> None:
    text, said = WORTHLESS[what]
    with pytest.raises(Unauthorized) as caught:
        read(text)
    assert said in caught.value.message
    assert KEY.secret.decode() not in caught.value.message


@pytest.mark.parametrize("text", [None, 5, {"a": 1}, ["x"], True, b"bytes"])
def test_what_is_no_text_is_no_token(text: object) -> None:
    with pytest.raises(Unauthorized, match="must be a text"):
        read(text)


def test_a_header_that_nests_too_deep_is_no_crash() -> None:
    for header, payload in (("[" * 2900, ""), ('{"alg":"HS256","kid":' + "[" * 2900, "")):
        text = pack({}, payload).replace(
            pack({}, payload).split(".")[0], testing.pack(header, 1).split(".")[0]
        )
        with pytest.raises(Unauthorized):
            read(text)


def test_a_good_token_says_who_may_do_what_where() -> None:
    text = sign_join(KEY, room="standup", identity="ada", name="Ada", grants=("chat",), now=1000, ttl=60)
    claims = read(text, 1000)
    assert isinstance(claims, JoinClaims)
    told = dataclasses.replace(claims, token_id="")
    assert told == JoinClaims("standup", "ada", "Ada", ("chat",), "", 1060.0)
    assert claims.token_id != read(token()).token_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "grants"),
    [
        ("person", ("publish", "subscribe", "chat")),
        ("ingress", ("publish",)),
        ("egress", ("subscribe",)),
        ("hidden", ("subscribe",)),
    ],
)
def test_a_token_is_for_a_kind_and_grants_no_more_than_that_may_do(
    kind: ParticipantKind, grants: tuple[Permission, ...]
) -> None:
    claims = read(sign_join(KEY, room="standup", identity="a", kind=kind, now=time.time(), ttl=60))
    assert isinstance(claims, JoinClaims)
    assert (claims.kind, claims.grants) == (kind, grants)
    for grant in [each for each in GRANTS if each not in KINDS[kind].grants]:
        with pytest.raises(Unauthorized, match=f"grants: '{grant}' is nothing that a participant of kind"):
            read(token(kind=kind, grants=[grant]))
        with pytest.raises(ValueError, match="grants: "):
            sign_join(KEY, room="a", identity="a", kind=kind, grants=(grant,), now=0, ttl=60)


def test_a_token_without_a_kind_is_a_persons() -> None:
    claims = read(token())
    assert isinstance(claims, JoinClaims)
    assert claims.kind == "person"
    with pytest.raises(Unauthorized, match="kind: Input should be 'person'"):
        read(token(kind="robot"))


def test_unknown_claims_and_a_repeated_grant_do_no_harm() -> None:
    claims = read(token(sub="x", iss="somebody", tenant={"id": 1}, grants=["chat", "chat"]))
    assert isinstance(claims, JoinClaims)
    assert claims.grants == ("chat",)


def test_clocks_may_differ_a_little() -> None:
    text = sign_join(KEY, room="a", identity="a", now=1000, ttl=60)
    assert read(text, 1000 - LEEWAY)
    assert read(text, 1059 + LEEWAY)
    for now in (999 - LEEWAY, 1060 + LEEWAY):
        with pytest.raises(Unauthorized):
            read(text, now)


def test_without_keys_no_token_is_valid() -> None:
    with pytest.raises(Unauthorized, match="this server has no API keys"):
        read(token(), keys=KeyRing())


def test_a_token_too_large_is_not_signed() -> None:
    with pytest.raises(ValueError, match="identity"):
        sign_join(KEY, room="a", identity="x" * MAX_TOKEN_LENGTH, now=0, ttl=60)
    with pytest.raises(ValueError, match="room: Input should be a DNS label"):
        sign_join(KEY, room="No Way", identity="a", now=0, ttl=60)


def test_an_api_token_must_be_short_lived() -> None:
    now = int(time.time())
    authenticator = Authenticator(FixedKeys(RING))
    assert authenticator.read_any(api_token()) == ApiClaims("backend")
    with pytest.raises(Unauthorized, match="at most 3600 are accepted: sign a new one"):
        authenticator.read_any(api_token(exp=now + 7200))
    with pytest.raises(ValueError, match="at most 3600 s, not 3601"):
        sign_api(KEY, now=now, ttl=3601)


def test_guests_have_tokens_with_and_without_api_keys() -> None:
    for source in (None, FixedKeys(RING)):
        authenticator = Authenticator(source)
        text = authenticator.sign_guest("standup", "p1")
        assert authenticator.read_any(text) == GuestClaims("standup", "p1")
        with pytest.raises(Unauthorized):
            authenticator.read_join(text)


def test_a_processs_own_key_signs_for_guests_alone() -> None:
    authenticator = Authenticator(None)
    own = next(iter(authenticator._own))
    for text in (token(own), api_token(own)):
        with pytest.raises(Unauthorized):
            authenticator.read_any(text)
        with pytest.raises(Unauthorized, match="no API keys"):
            authenticator.read_join(text)
    with pytest.raises(Unauthorized):
        Authenticator(None).read_any(authenticator.sign_guest("standup", "p1"))


def test_any_of_several_keys_signs() -> None:
    both = KeyRing([KEY, OTHER_KEY])
    assert read(token(KEY), keys=both)
    assert read(token(OTHER_KEY), keys=both)
    with pytest.raises(Unauthorized, match="was not signed by the key 'backend'"):
        read(token(OTHER_KEY, header={"kid": "backend"}), keys=both)
