"""A room's messages over HTTP: who reads which, page by page."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from rotunda_signaling.backing import FILE
from rotunda_signaling.testing import Guest, MakeStage, Stage

PATH = "/api/v1/rooms/standup/messages"


async def ask(stage: Stage, query: str = "", token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    async with stage.http(headers=headers) as client:
        return await client.get(PATH + query)


async def read(stage: Stage, query: str = "", token: str | None = None) -> Any:
    answer = await ask(stage, query, token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def texts(page: Any) -> list[str]:
    return [message["text"] for message in page["messages"]]


async def say(guest: Guest, *said: str, **more: Any) -> None:
    for text in said:
        assert "error" not in await guest.ask("chat", {"text": text, **more})


async def test_a_late_joiner_reads_what_was_said(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    answer = await ada.ask("chat", {"text": "hello"})
    await stage.joined("Ben")
    page = await read(stage)
    assert page == {
        "messages": [
            {
                "id": answer["id"],
                "from": ada.id,
                "displayName": "Ada",
                "text": "hello",
                "sentAt": answer["sentAt"],
            }
        ],
        "hasMore": False,
        "complete": True,
    }


async def test_pages_are_bounded(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    await say(ada, *(str(number) for number in range(60)))
    page = await read(stage)
    assert (texts(page), page["hasMore"]) == ([str(number) for number in range(10, 60)], True)
    before = page["messages"][0]["id"]
    page = await read(stage, f"?before={before}&limit=4")
    assert (texts(page), page["hasMore"]) == (["6", "7", "8", "9"], True)
    assert texts(await read(stage, "?limit=200")) == [str(number) for number in range(60)]


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=201", "?limit=many", "?before=", f"?before={'a' * 129}"]
)
async def test_what_is_wrong_with_a_query_is_said(stage: Stage, query: str) -> None:
    await stage.joined("Ada")
    answer = await ask(stage, query)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(query[1:].split("=")[0])


async def test_private_messages_need_the_token_of_one_of_the_two(stage: Stage) -> None:
    ada, ben, eve = [await stage.joined(name) for name in ("Ada", "Ben", "Eve")]
    await say(ada, "to all")
    await say(ada, "to Ben", to=ben.id)
    for guest in (ada, ben):
        assert texts(await read(stage, token=guest.joined["token"])) == ["to all", "to Ben"]
    assert texts(await read(stage, token=eve.joined["token"])) == ["to all"]
    assert texts(await read(stage)) == ["to all"]
    assert texts(await read(stage, token="of another process")) == ["to all"]


async def test_a_room_that_is_not_there_has_no_history(stage: Stage) -> None:
    answer = await ask(stage)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_deleted_room_takes_its_history_with_it(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    await say(ada, "before")
    async with stage.http() as client:
        assert (await client.delete("/api/v1/rooms/standup")).status_code == 204
    await ada.expect("roomClosed")
    await stage.signaling.rooms.settle()
    await stage.joined("Ben")
    assert texts(await read(stage)) == []


@pytest.mark.parametrize("name", ["data", "100%20 of it?#"])
async def test_a_data_directory_keeps_messages_over_a_restart(
    make_stage: MakeStage, tmp_path: Path, name: str
) -> None:
    first = await make_stage(data_directory=tmp_path / name)
    ada = await first.joined("Ada")
    await say(ada, "before")
    await first.stop()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / FILE).stat().st_size > 0
    second = await make_stage(data_directory=tmp_path / name)
    ben = await second.joined("Ben")
    await say(ben, "after")
    page = await read(second)
    while not page["complete"]:  # until the file is open
        page = await read(second)
    assert texts(page) == ["before", "after"]
