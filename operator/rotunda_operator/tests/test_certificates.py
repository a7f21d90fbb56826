"""The small certificate authority."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from rotunda_contract.identities import identity_of
from rotunda_operator.certificates import (
    AUTHORITY_LIFE,
    LIFE,
    Pair,
    issue,
    must_renew,
    new_authority,
    renew_at,
)
from rotunda_operator.clusters.secrets import keep_or_create
from rotunda_operator.specs.certificates import AUTHORITY, certificate_secret, operator_secret, read_pair
from rotunda_operator.tests import samples

NOW = datetime.now(UTC)
IDENTITY = identity_of("media-node", "default", "calls")


@pytest.fixture(scope="module")
def authority() -> Pair:
    return new_authority(NOW)


def context(purpose: ssl.Purpose, pair: Pair, authority: Pair, folder: str) -> ssl.SSLContext:
    paths = {}
    for name, content in (("crt", pair.certificate), ("key", pair.key)):
        paths[name] = f"{folder}.{name}"
        with open(paths[name], "wb") as file:  # noqa: PTH123 - load_cert_chain takes paths alone
            file.write(content)
    made = ssl.create_default_context(purpose, cadata=authority.certificate.decode())
    made.load_cert_chain(paths["crt"], paths["key"])
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """In memory; raises SSLError."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    waiting = list(ends)
    for _ in range(10):
        for end in tuple(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
        if not waiting:
            return
    raise AssertionError("the handshake does not end")


def test_two_pods_know_each_other_by_name(authority: Pair, tmp_path: object) -> None:
    node, caller = issue(authority, IDENTITY, NOW), issue(authority, "signaling.default.calls", NOW)
    server = context(ssl.Purpose.CLIENT_AUTH, node, authority, f"{tmp_path}/node")
    client = context(ssl.Purpose.SERVER_AUTH, caller, authority, f"{tmp_path}/caller")
    handshake(client, server, IDENTITY)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        handshake(client, server, identity_of("media-node", "other", "calls"))


def test_what_another_authority_issued_is_refused(authority: Pair, tmp_path: object) -> None:
    other = new_authority(NOW)
    server = context(ssl.Purpose.CLIENT_AUTH, issue(other, IDENTITY, NOW), authority, f"{tmp_path}/node")
    client = context(ssl.Purpose.SERVER_AUTH, issue(authority, "x", NOW), authority, f"{tmp_path}/caller")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client, server, IDENTITY)


def test_renewal_is_due_when_two_thirds_of_the_life_are_over(authority: Pair) -> None:
    pair = issue(authority, IDENTITY, NOW)
    due = renew_at(pair)
    assert LIFE * 0.66 < due - NOW < LIFE * 0.67
    assert not must_renew(pair, due - timedelta(seconds=1), authority=authority, identity=IDENTITY)
    assert must_renew(pair, due, authority=authority, identity=IDENTITY)
    assert not must_renew(authority, NOW + AUTHORITY_LIFE / 2)


def test_what_is_of_another_authority_name_or_key_is_renewed(authority: Pair) -> None:
    pair, other = issue(authority, IDENTITY, NOW), issue(authority, IDENTITY, NOW)
    assert must_renew(pair, NOW, authority=new_authority(NOW))
    assert must_renew(pair, NOW, authority=authority, identity="media-node.other.calls")
    assert must_renew(Pair(pair.certificate, other.key), NOW)
    assert must_renew(Pair(b"damaged", pair.key), NOW)
    assert must_renew(Pair(pair.certificate, b"damaged"), NOW)


def test_a_clock_that_is_a_little_behind_accepts_what_is_new(authority: Pair) -> None:
    pair = issue(authority, IDENTITY, NOW)
    assert not must_renew(pair, NOW - timedelta(minutes=4), authority=authority)


def test_the_longest_names_have_certificates(authority: Pair) -> None:
    longest = identity_of("media-node", "c" * 40, "n" * 63)
    assert not must_renew(issue(authority, longest, NOW), NOW, authority=authority, identity=longest)


def test_what_a_secret_holds_is_read_back_and_what_is_damaged_is_not(authority: Pair) -> None:
    pair = issue(authority, IDENTITY, NOW)
    secret = certificate_secret(samples.cluster(), "default-media-node-tls", "media-node", pair, authority)
    assert read_pair(secret) == pair
    assert read_pair(operator_secret("rotunda-system", AUTHORITY, authority, authority)) == authority
    for damaged in ({}, {"data": None}, {"data": {"tls.crt": "%"}}):
        assert read_pair(damaged) is None


def test_a_cluster_keeps_its_secrets_until_they_are_due(authority: Pair) -> None:
    cluster = samples.cluster()
    first = keep_or_create(cluster, {}, authority, NOW)
    assert first.certificates is not None
    actual = {
        name: certificate_secret(cluster, name, "any", pair, authority)
        for name, pair in (
            ("default-signaling-tls", first.certificates.signaling),
            ("default-media-node-tls", first.certificates.media_node),
        )
    }
    again = keep_or_create(cluster, actual, authority, NOW)
    assert again.certificates == first.certificates
    assert again.turn != first.turn, "a key whose Secret does not exist is drawn"

    due = keep_or_create(cluster, actual, authority, first.certificates.renew_at)
    assert due.certificates is not None
    assert due.certificates.signaling != first.certificates.signaling


def test_without_an_authority_there_are_no_certificates() -> None:
    assert keep_or_create(samples.cluster(), {}, None, NOW).certificates is None
