"""The rate of status writes of low priority."""

from rotunda_operator.write_limiter import WriteLimiter


def test_one_object_is_written_once_in_an_interval() -> None:
    limiter = WriteLimiter(rate=1000.0, interval_seconds=5.0)

    assert limiter.delay("room", 10.0) == 0
    assert limiter.delay("room", 11.0) == 4.0
    assert limiter.delay("room", 12.0) == 3.0, "the slot is kept"
    assert limiter.delay("room", 15.0) == 0


def test_all_objects_together_are_written_at_the_rate() -> None:
    limiter = WriteLimiter(rate=2.0, interval_seconds=5.0)

    assert [limiter.delay(name, 10.0) for name in "abc"] == [0, 0.5, 1.0]
    assert limiter.delay("b", 10.5) == 0
    assert limiter.delay("d", 20.0) == 0, "the time without writes is not saved up"
    assert limiter.delay("e", 20.0) == 0.5


def test_a_deleted_object_has_no_interval() -> None:
    limiter = WriteLimiter(rate=1000.0, interval_seconds=5.0)
    limiter.delay("room", 10.0)
    limiter.forget("room")

    assert limiter.delay("room", 11.0) == 0
