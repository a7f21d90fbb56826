"""How fast one person or address may ask, over all signaling processes."""

from typing import Protocol

from rotunda_base.rates import Rate


class RateLimits(Protocol):
    """Token buckets by key."""

    async def take(self, key: str, rate: Rate) -> float:
        """0 when allowed, else the seconds until it would be. Never raises."""
