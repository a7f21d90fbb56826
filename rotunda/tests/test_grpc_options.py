"""gRPC ignores options that it does not know, so a misspelt deadline is none."""

from pathlib import Path

import grpc._cython
import pytest

from rotunda_contract import grpc_client
from rotunda_operator.load import receiver
from rotunda_sfu import telemetry
from rotunda_sfu.service import server


@pytest.fixture(scope="module")
def library() -> bytes:
    (file,) = Path(grpc._cython.__path__[0]).glob("cygrpc*.so")
    return file.read_bytes()


@pytest.mark.parametrize(
    "options",
    [grpc_client._OPTIONS, receiver._OPTIONS, telemetry._CHANNEL_OPTIONS, server._PROBE_OPTIONS],
    ids=["signaling", "operator", "load reports", "media node"],
)
def test_the_library_knows_each_option(library: bytes, options: tuple[tuple[str, object], ...]) -> None:
    unknown = [name for name, _ in options if name.encode() not in library]
    assert unknown == []
