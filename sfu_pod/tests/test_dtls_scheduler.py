"""Turns: a session with endless work holds up neither the others nor the event loop."""

import asyncio
from typing import cast

from rotunda_sfu.data.channels import DataConsumer
from rotunda_sfu.dtls.engine import MESSAGES_A_TURN, SESSIONS_A_TURN, Engine, Scheduler
from rotunda_sfu.virtual_time import run_virtual


class Busy:
    """A session with a number of pumps to do; it writes down when it had its turns."""

    def __init__(self, name: str, turns: int, diary: list[str]) -> None:
        self.name = name
        self.left = turns
        self._diary = diary

    def fail(self) -> None:
        self._diary.append(f"{self.name} failed")

    def pump(self) -> bool:
        if self.left < 0:
            raise RuntimeError("a defect")
        self._diary.append(self.name)
        self.left -= 1
        return self.left > 0


class Slow:
    """A consumer that writes down what was sent."""

    def __init__(self, diary: list[str]) -> None:
        self.id = "slow"
        self._diary = diary

    def admit(self, size: int) -> bool:
        return True

    async def send(self, ppid: int, payload: bytes) -> None:
        self._diary.append("message")


async def run_for(scheduler: Scheduler, diary: list[str], turns: int) -> None:
    """Lets the event loop go round so often, and marks each round in the diary."""
    task = asyncio.get_running_loop().create_task(scheduler.run())
    for _ in range(turns):
        await asyncio.sleep(0)
        diary.append("|")
    task.cancel()


def test_sessions_take_turns_with_each_other_and_with_the_loop() -> None:
    async def story() -> None:
        diary: list[str] = []
        scheduler = Scheduler()
        for name, turns in (("flood", 1000), ("b", 2), ("c", 1)):
            scheduler.ready(cast(Engine, Busy(name, turns, diary)))
        await run_for(scheduler, diary, 4)
        assert "".join(each[0] for each in diary).startswith("fbc|fb|f|f|")

    run_virtual(story())


def test_a_turn_is_bounded_in_sessions_and_messages() -> None:
    async def story() -> None:
        diary: list[str] = []
        scheduler = Scheduler()
        for number in range(3 * SESSIONS_A_TURN):
            scheduler.ready(cast(Engine, Busy(str(number), 1, diary)))
        scheduler.router.subscribe("p", cast(DataConsumer, Slow(diary)))  # type: ignore[arg-type]
        for _ in range(2 * MESSAGES_A_TURN):
            scheduler.router.publish("p", 51, b"x")  # type: ignore[arg-type]
        await run_for(scheduler, diary, 4)
        rounds = " ".join(diary).split("|")
        assert [each.count("message") for each in rounds[:3]] == [MESSAGES_A_TURN, MESSAGES_A_TURN, 0]
        sessions = [sum(word.isdigit() for word in each.split()) for each in rounds[:4]]
        assert sessions == [SESSIONS_A_TURN] * 3 + [0]

    run_virtual(story())


def test_a_defect_ends_one_session_only() -> None:
    async def story() -> None:
        diary: list[str] = []
        scheduler = Scheduler()
        for name, turns in (("broken", -1), ("b", 2)):
            scheduler.ready(cast(Engine, Busy(name, turns, diary)))
        await run_for(scheduler, diary, 3)
        assert [each for each in diary if each != "|"] == ["broken failed", "b", "b"]

    run_virtual(story())
