"""Servers for tests."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import WAIT, MakeStage, Stage


@pytest.fixture(autouse=True)
def patient_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a database that is away."""
    for name in ("history.PAGE_SECONDS", "history.FLUSH_SECONDS", "engine.CONNECT_SECONDS"):
        monkeypatch.setattr(f"rotunda_signaling.store.{name}", WAIT)


@pytest.fixture
async def make_stage() -> AsyncIterator[MakeStage]:
    """Starts servers with the settings given, and stops them."""
    stages: list[Stage] = []

    async def make(**settings: object) -> Stage:
        stages.append(Stage(SignalingSettings.model_validate(settings)))
        return await stages[-1].start()

    yield make
    await asyncio.gather(*(stage.stop() for stage in stages))


@pytest.fixture
async def stage(make_stage: MakeStage) -> Stage:
    return await make_stage()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stage() -> AsyncIterator[Stage]:
    """One server for all tests of a module, which then run on the module's event loop."""
    stage = await Stage(SignalingSettings()).start()
    yield stage
    await stage.stop()
