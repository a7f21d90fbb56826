"""Where HTTP listens."""

import socket

import pytest

from rotunda_signaling.http.server import listen


@pytest.mark.parametrize("client", ["127.0.0.1", "::1"])
def test_every_address_is_of_both_families(client: str) -> None:
    with listen("::", 0) as sock:
        port = sock.getsockname()[1]
        socket.create_connection((client, port), 10).close()


def test_where_there_is_no_ipv6_every_address_is_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listen("::", 0) as sock:
        assert sock.family == socket.AF_INET
        socket.create_connection(("127.0.0.1", sock.getsockname()[1]), 10).close()
