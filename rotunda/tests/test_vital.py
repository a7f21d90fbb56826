"""A process ends with a failure when something that it cannot do without has ended."""

import asyncio
from typing import Any

import pytest

from rotunda import signaling
from rotunda.vital import until_told
from rotunda_base.exit_status import FAILED
from rotunda_signaling.settings import SignalingSettings

WAIT = 120.0


class BrokenApi:
    """An API server's client with a defect of ours in it."""

    async def list(self, *_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a defect")

    async def close(self) -> None: ...


async def test_told_to_stop_it_ends_well() -> None:
    stop = asyncio.Event()
    forever = asyncio.create_task(asyncio.Event().wait())
    ending = asyncio.create_task(until_told(stop, forever, None))  # type: ignore[arg-type]
    stop.set()
    assert await ending == 0
    forever.cancel()


@pytest.mark.parametrize("defect", [True, False])
async def test_a_vital_task_that_ends_is_a_failure(defect: bool) -> None:
    async def vital() -> None:
        if defect:
            raise ZeroDivisionError

    assert await until_told(asyncio.Event(), asyncio.create_task(vital())) == FAILED


async def test_signaling_ends_when_it_hears_no_more_of_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would stay ready and know nothing of what changes."""

    async def connect(*_: Any, **__: Any) -> BrokenApi:
        return BrokenApi()

    monkeypatch.setattr(signaling, "connect", connect)
    async with asyncio.timeout(WAIT):
        assert await signaling._serve_until_told(SignalingSettings(port=0)) == FAILED
