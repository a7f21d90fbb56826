"""SIGINT and SIGTERM: the first asks for a clean end, the second takes it."""

import asyncio
import os
import signal
from collections.abc import Callable

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_event() -> asyncio.Event:
    """Set once this process is told to stop. For a process's one event loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal(stop, number))
    return stop


def on_signal(stop: asyncio.Event, number: signal.Signals) -> Callable[[], None]:
    """What a signal does."""

    def handle() -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    return handle
