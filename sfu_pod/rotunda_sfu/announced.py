"""The announced address from a file: what a pod cannot know itself is written into its annotations later."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path

import structlog

from rotunda_sfu.settings import NodeSettings

_POLL_SECONDS = 0.2


async def with_announced_address(settings: NodeSettings) -> NodeSettings:
    """The settings with the address of `announced_address_file`, waiting until there is one in it.

    What is no IP address is logged and waited out, as whoever wrote it can write it again.
    """
    file = settings.announced_address_file
    if file is None:
        return settings
    log = structlog.stdlib.get_logger().bind(file=str(file))
    logged: str | None = None
    while True:
        text = _read(file)
        if _is_address(text):
            return settings.model_copy(update={"announced_address": text})
        if text != logged:
            log.warning("waits_for_announced_address", found=text)
            logged = text
        # A mounted file is replaced through links, which no single watch sees.
        await asyncio.sleep(_POLL_SECONDS)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False
