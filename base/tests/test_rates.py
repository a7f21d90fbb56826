"""Token buckets, with the clock as an argument."""

import pytest

from rotunda_base.rates import Rate, TokenBucket


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(Rate(burst=3, per_second=2.0), now=10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(10.4) == pytest.approx(0.1)
    assert bucket.take(10.5) == 0.0
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_what_is_charged_afterwards_may_be_more_than_there_was_and_delays_the_next() -> None:
    bucket = TokenBucket(Rate(burst=50, per_second=100.0), now=10.0)
    assert bucket.wait(10.0) == 0
    bucket.charge(150, 10.0)
    assert bucket.wait(10.0) == pytest.approx(1.01)
    assert bucket.wait(11.01) == 0
    assert bucket.wait(1000.0) == 0
    bucket.charge(51, 1000.0)
    assert bucket.wait(1000.0) == pytest.approx(0.02)
