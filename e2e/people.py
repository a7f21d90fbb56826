"""What the stories' fixtures give them to bring people in."""

from collections.abc import Awaitable, Callable

from harness.browser import ChromiumTab
from harness.guest import Guest

OpenTab = Callable[[], Awaitable[ChromiumTab]]
Enter = Callable[[str, str], Awaitable[Guest]]
"""Takes a room's address and a name."""
