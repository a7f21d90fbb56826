"""Whatever happens to a write of the operator, all ends well: nothing is made twice, no Room moves in vain.

A seed says which numbered write suffers what, and lets some more suffer at random. ROTUNDA_FAULT_SEEDS runs
so many seeds instead of 20.
"""

import asyncio
import os
import random

import pytest

from rotunda_operator.testing import ControlPlane
from rotunda_operator.testing.faulty_proxy import Fault
from rotunda_operator.testing.scenario import Scenario

SEEDS = int(os.environ.get("ROTUNDA_FAULT_SEEDS", "20"))
NUMBERED_WRITES = 34
"""About as many as the scenario takes when nothing goes wrong."""
AT_ONCE = 4


@pytest.mark.timeout(300 + 30 * SEEDS)
async def test_every_fault_at_every_write_ends_well(control_plane: ControlPlane) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    failures: list[str] = []

    async def live(seed: int) -> None:
        faults = faults_of(seed)
        scenario = Scenario(control_plane, f"faults-{seed}", faults)
        async with gate:
            try:
                await scenario.run()
            except AssertionError as error:
                failures.append(f"seed {seed}: {error}")
        failures.extend(f"seed {seed}, {faults}: {failure}" for failure in scenario.failures)

    await asyncio.gather(*(live(seed) for seed in range(SEEDS)))

    assert failures == []


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
