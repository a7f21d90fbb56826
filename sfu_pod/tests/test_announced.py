"""The announced address that is written into a file after the start."""

import asyncio
from pathlib import Path

import pytest

from rotunda_sfu import announced
from rotunda_sfu.announced import with_announced_address
from rotunda_sfu.fake_node import FakeNode


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced, "_POLL_SECONDS", 0.001)


async def test_without_a_file_the_settings_are_as_they_were() -> None:
    settings = FakeNode().settings
    assert await with_announced_address(settings) is settings


@pytest.mark.parametrize("before", [None, b"", b"\n", b"node.example.org", b"0.0.0.0", b"\xff"])
async def test_an_address_is_waited_for(before: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "address"
    if before is not None:
        file.write_bytes(before)
    settings = FakeNode().settings.model_copy(update={"announced_address_file": file})
    waiting = asyncio.create_task(with_announced_address(settings))
    done, _ = await asyncio.wait([waiting], timeout=0.02)
    assert not done
    file.write_text("2001:db8::7\n")
    async with asyncio.timeout(60):
        assert (await waiting).announced_address == "2001:db8::7"
