"""A count that can be awaited."""

import asyncio


class Count:
    """Grows only. `first_at`: the event loop's time at which it became 1."""

    def __init__(self) -> None:
        self.value = 0
        self.first_at: float | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def add(self) -> None:
        self.value += 1
        if self.first_at is None:
            self.first_at = asyncio.get_running_loop().time()
        for wanted, reached in self._waiting:
            if wanted <= self.value and not reached.done():
                reached.set_result(None)

    async def reach(self, value: int) -> None:
        """Returns once it is at least so much."""
        if self.value >= value:
            return
        entry = (value, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            await entry[1]
        finally:
            self._waiting.remove(entry)
