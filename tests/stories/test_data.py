"""Data channels through the SFU."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from harness.guest import Guest, eventually

Enter = Callable[..., Awaitable[Guest]]


@pytest.mark.parametrize(
    "reliability",
    [{"ordered": True}, {"ordered": False, "maxRetransmits": 0}],
    ids=["reliable", "unreliable"],
)
async def test_messages_arrive(enter: Enter, reliability: dict[str, Any]) -> None:
    ada, ben = await enter("Ada", camera_on=False), await enter("Ben", camera_on=False)
    options = {"label": "notes", **reliability}
    producer_id = await ada.tab.call("(options) => window.rotunda.produceData(options)", options)
    await ben.knows(ada, lambda view: producer_id in view["dataProducers"], "a data channel")
    consumer_id = await ben.tab.call("(id) => window.rotunda.consumeData(id)", producer_id)
    await ada.tab.call(
        """(id) => {
            for (let n = 0; n < 20; n++) window.rotunda.sendData(id, `note ${n}`);
            window.rotunda.sendData(id, new Uint8Array([0, 127, 255]));
        }""",
        producer_id,
    )

    async def arrived() -> list[object] | None:
        messages: list[object] = await ben.tab.call("(id) => window.rotunda.receivedData(id)", consumer_id)
        return messages if len(messages) >= 21 else None

    messages = await eventually(arrived, "all messages arrive")
    expected: list[object] = [*(f"note {number}" for number in range(20)), [0, 127, 255]]
    if reliability["ordered"]:
        assert messages == expected
    else:
        assert sorted(messages, key=str) == sorted(expected, key=str)
