"""Whatever happens to a write of the operator, all ends well: nothing is made twice, no Room moves in vain.

A seed says which numbered write suffers what, and lets some more suffer at random. ROTUNDA_FAULT_SEEDS runs
so many seeds instead of 20, ROTUNDA_FAULT_KILLS so many instead of 3 with the whole operator as a process.
"""

import asyncio
import os
import random
from collections.abc import Sequence

import pytest

from rotunda_operator.testing import ControlPlane
from rotunda_operator.testing.crashing_operator import as_process
from rotunda_operator.testing.faulty_proxy import Fault
from rotunda_operator.testing.scenario import Scenario

SEEDS = int(os.environ.get("ROTUNDA_FAULT_SEEDS") or "20")
KILLS = int(os.environ.get("ROTUNDA_FAULT_KILLS") or "3")
NUMBERED_WRITES = 34
"""About as many as the scenario takes when nothing goes wrong."""
AT_ONCE = 4


@pytest.mark.timeout(300 + 30 * SEEDS)
async def test_every_fault_at_every_write_ends_well(control_plane: ControlPlane) -> None:
    scenarios = [Scenario(control_plane, f"faults-{seed}", faults_of(seed)) for seed in range(SEEDS)]
    assert await _failures(scenarios) == []


@pytest.mark.timeout(600 + 60 * KILLS)
async def test_a_process_killed_around_its_writes_ends_well(control_plane: ControlPlane) -> None:
    scenarios = [
        Scenario(control_plane, f"kills-{seed}", kills_of(seed), as_process) for seed in range(KILLS)
    ]
    assert await _failures(scenarios) == []


async def _failures(scenarios: Sequence[Scenario]) -> list[str]:
    """Of all, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def live(scenario: Scenario) -> list[str]:
        async with gate:
            try:
                await scenario.run()
            except AssertionError as error:
                return [f"{scenario}: {error}", *scenario.failures]
        return [f"{scenario}: {failure}" for failure in scenario.failures]

    return [failure for found in await asyncio.gather(*map(live, scenarios)) for failure in found]


def faults_of(seed: int) -> dict[int, Fault]:
    """Every kind at every write, over enough seeds; a few seeds spread over both."""
    rng = random.Random(seed)
    kinds = list(Fault)
    spread = seed * 7
    faults = {1 + spread // len(kinds) % NUMBERED_WRITES: kinds[(seed + spread // len(kinds)) % len(kinds)]}
    for number in range(1, NUMBERED_WRITES):
        if rng.random() < 0.04:
            faults.setdefault(number, rng.choice(kinds))
    return faults


def kills_of(seed: int) -> dict[int, Fault]:
    """Two kills, before and after a write, the first among the earliest ones."""
    rng = random.Random(seed)
    kinds = rng.sample((Fault.CRASH_BEFORE, Fault.CRASH_AFTER), 2)
    writes = (rng.randrange(1, NUMBERED_WRITES // 2), rng.randrange(NUMBERED_WRITES // 2, NUMBERED_WRITES))
    return dict(zip(writes, kinds, strict=True))
