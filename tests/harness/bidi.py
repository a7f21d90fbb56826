"""A small client of WebDriver BiDi, enough to drive Debian's Firefox, which playwright cannot.

Source: W3C WebDriver BiDi, the modules session, browsingContext and script.
"""

import asyncio
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PREFERENCES = {
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.devices.insecure.enabled": True,
    "media.gmp-manager.updateEnabled": False,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "remote.active-protocols": 1,
    "toolkit.telemetry.enabled": False,
}
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
START_SECONDS = 120
# Gives the page a function that calls ours: `send` leads here, `answer` brings what ours returned.
EXPOSE = """(send) => {
  const waiting = [];
  window[NAME] = (...all) =>
    new Promise((resolve) => send(JSON.stringify([waiting.push(resolve) - 1, all])));
  window[NAME].answer = (number, value) => waiting[number](value);
}"""


class BidiError(Exception):
    """The browser refused a command, or a script in the page threw."""


class Session:
    """One connection to a browser. Commands may overlap; of events only messages of pages are handled."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._channels: dict[str, Callable[[str], None]] = {}
        self._reader = asyncio.create_task(self._read())

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends one command and returns its result; raises BidiError with the browser's own words."""
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        return await answer

    async def listen(self, channel: str, take: Callable[[str], None]) -> None:
        """Hands over every text that a page sends on this channel from now on."""
        self._channels[channel] = take
        await self.command("session.subscribe", events=["script.message"])

    async def close(self) -> None:
        await self._connection.close()
        await self._reader

    async def _read(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            if message.get("method") == "script.message":
                said = message["params"]
                self._channels[said["channel"]](said["data"]["value"])
                continue
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is None or waiting.done():
                continue
            if message["type"] == "error":
                waiting.set_exception(BidiError(f"{message['error']}: {message['message']}"))
            else:
                waiting.set_result(message["result"])
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BidiError("the browser closed the connection"))


class FirefoxTab:
    """One tab, with the calls that the stories use on any browser's page."""

    def __init__(self, session: Session, context: str) -> None:
        self._session = session
        self._context = context
        self._answers: set[asyncio.Task[None]] = set()

    async def add_init_script(self, script: str) -> None:
        """Runs the script in every page of this tab before the page's own."""
        await self._session.command(
            "script.addPreloadScript", functionDeclaration=f"() => {{{script}\n}}", contexts=[self._context]
        )

    async def goto(self, url: str) -> None:
        await self._session.command(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def call(self, function: str, *arguments: Any) -> Any:
        """Calls a JavaScript function with JSON arguments and returns what it, or its promise, gives."""
        result = await self._session.command(
            "script.callFunction",
            functionDeclaration=(
                f"async (text) => JSON.stringify((await ({function})(...JSON.parse(text))) ?? null)"
            ),
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if result["type"] == "exception":
            raise BidiError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    async def expose(self, name: str, function: Callable[..., Awaitable[Any]]) -> None:
        """Gives every page of this tab a function of that name that calls ours, with JSON both ways."""

        async def answer(text: str) -> None:
            number, arguments = json.loads(text)
            value = await function(*arguments)
            await self.call("(name, ...answer) => window[name].answer(...answer)", name, number, value)

        def take(text: str) -> None:
            task = asyncio.create_task(answer(text))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

        await self._session.listen(name, take)
        await self._session.command(
            "script.addPreloadScript",
            functionDeclaration=EXPOSE.replace("NAME", json.dumps(name)),
            arguments=[{"type": "channel", "value": {"channel": name}}],
            contexts=[self._context],
        )

    async def close(self) -> None:
        await self._session.command("browsingContext.close", context=self._context)


@asynccontextmanager
async def firefox() -> AsyncIterator[FirefoxTab]:
    """Starts headless Firefox with a fresh profile and gives its first tab."""
    executable = os.environ.get("ROTUNDA_FIREFOX") or shutil.which("firefox-esr")
    if executable is None:
        raise FileNotFoundError("firefox-esr is not on PATH; ROTUNDA_FIREFOX may name another")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        _write_preferences(Path(profile, "user.js"))
        process = await asyncio.create_subprocess_exec(
            *(executable, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        drain: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(START_SECONDS):
                address = await _address(process)
            drain = asyncio.create_task(_drain(process))
            session = Session(await connect(f"{address}/session", max_size=None))
            await session.command("session.new", capabilities={})
            tree = await session.command("browsingContext.getTree")
            yield FirefoxTab(session, tree["contexts"][0]["context"])
            await session.close()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            if drain is not None:
                await drain


def _write_preferences(path: Path) -> None:
    lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in PREFERENCES.items())
    path.write_text("\n".join(lines))


async def _address(process: asyncio.subprocess.Process) -> str:
    """Reads Firefox's messages until it says where it listens."""
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if found := LISTENING.search(line):
            return found[1].decode()
    raise BidiError("Firefox ended before it listened")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(65536):
        pass
