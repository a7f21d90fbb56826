"""SIGINT and SIGTERM: the first asks for a clean end, the second takes it."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_event() -> Iterator[asyncio.Event]:
    """Set once this process is told to stop. For a process's one event loop.

    After it signals do again what they do by default: uvloop would leave its handlers when the loop closes,
    and a process that hangs at its exit could not be stopped but by SIGKILL.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal(stop, number))
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def on_signal(stop: asyncio.Event, number: signal.Signals) -> Callable[[], None]:
    """What a signal does."""

    def handle() -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    return handle
