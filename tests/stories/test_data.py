"""Data channels through the SFU, between pages of plain mediasoup-client."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from harness.data_guest import DataGuest
from harness.guest import eventually

EnterForData = Callable[[str], Awaitable[DataGuest]]


@pytest.mark.parametrize(
    "reliability",
    [{"ordered": True}, {"ordered": False, "maxRetransmits": 0}],
    ids=["reliable", "unreliable"],
)
async def test_messages_arrive(enter_for_data: EnterForData, reliability: dict[str, Any]) -> None:
    ada, ben = await enter_for_data("Ada"), await enter_for_data("Ben")
    producer = await ada.produce(label="notes", **reliability)
    consumer = await ben.consume(producer)
    await ada.tab.call(
        """(id) => {
            for (let n = 0; n < 20; n++) data.send(id, `note ${n}`);
            data.send(id, new Uint8Array([0, 127, 255]));
        }""",
        producer,
    )

    async def arrived() -> list[object] | None:
        messages = await ben.received(consumer)
        return messages if len(messages) >= 21 else None

    messages = await eventually(arrived, "all messages arrive")
    expected: list[object] = [*(f"note {number}" for number in range(20)), [0, 127, 255]]
    if reliability["ordered"]:
        assert messages == expected
    else:
        assert sorted(messages, key=str) == sorted(expected, key=str)
