"""The Python client that docs/auth.md shows, run as it stands there."""

import asyncio
import re
import sys
from pathlib import Path

from rotunda_signaling.auth.testing import KEY, token
from rotunda_signaling.testing import MakeStage, Stage

PAGE = Path(__file__).resolve().parents[2] / "docs" / "auth.md"


async def start(stage: Stage, script: Path, shown: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), stage.url, "standup", shown),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_it_joins_and_chats_or_says_why_not(make_stage: MakeStage, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    assert found[1].count("\n") <= 22
    script = tmp_path / "client.py"
    script.write_text(found[1])
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / KEY.id).write_bytes(KEY.secret)
    stage = await make_stage(api_keys_directory=tmp_path / "keys", access="Token")
    ada = await (await stage.guest(auth={"token": token()})).join()

    robot = await start(stage, script, token(identity="robot"))
    try:
        assert (await ada.expect("chat"))["text"] == "Hello, I am a robot."
        await ada.ask("chat", {"text": "Hello, robot."})
        assert robot.stdout is not None
        assert await robot.stdout.readline() == b"here: Ada\n"
        assert await robot.stdout.readline() == b"Ada: Hello, robot.\n"
    finally:
        robot.kill()
        await robot.communicate()

    stranger = await start(stage, script, token(identity="robot", room="other"))
    _, said = await stranger.communicate()
    assert stranger.returncode == 1
    assert b"forbidden: the token is for room 'other', not for 'standup'" in said
