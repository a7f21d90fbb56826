"""The rate limits that all signaling processes share; each has its own while Redis is away."""

import math
import time
from collections.abc import Callable

import structlog

from rotunda_base.rates import Rate
from rotunda_signaling.fanout.redis import FAILURES, connect
from rotunda_signaling.rates.memory import MemoryRateLimits

_ANSWER_SECONDS = 0.25
"""Somebody waits for what is limited."""
_AWAY_SECONDS = 2.0
"""How long Redis is not asked again once it did not answer."""
_TAKE = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
local grown = math.max(0, now - (tonumber(bucket[2]) or now)) * rate
tokens = math.min(burst, tokens + grown)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return tostring(wait)
"""
"""The token bucket of `rotunda_base.rates.TokenBucket`, by Redis's own clock."""

_log = structlog.get_logger(__name__)


class RedisRateLimits:
    """Implements RateLimits. `scope` keeps clusters that share a Redis apart."""

    def __init__(self, url: str, scope: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._prefix = f"rotunda:{scope}:rate:"
        self._redis = connect(url, answer_seconds=_ANSWER_SECONDS)
        self._take = self._redis.register_script(_TAKE)
        self._own = MemoryRateLimits(clock)
        self._clock = clock
        self._away_until = -math.inf

    async def take(self, key: str, rate: Rate) -> float:
        if self._clock() >= self._away_until:
            try:
                seconds = math.ceil(rate.burst / rate.per_second) + 1
                return float(await self._take([self._prefix + key], [rate.burst, rate.per_second, seconds]))
            except FAILURES as error:
                self._away_until = self._clock() + _AWAY_SECONDS
                _log.info("rate limits are this pod's own while Redis is away", error=str(error))
        return await self._own.take(key, rate)

    async def close(self) -> None:
        await self._redis.aclose()
