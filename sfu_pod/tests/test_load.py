"""From counters to what a media node says it carries."""

import pytest

from rotunda_sfu.fake_worker import FakeConsumerStats, FakeLoad, FakeProducerStats, FakeStats
from rotunda_sfu.load import Capacity, LoadMeter, NodeLoad, Sample, WorkerSample, WorkerUse

CAPACITY = Capacity(egress_bitrate=1e6, participants=10)
ROOMS = {"standup": 2, "empty": 0}


def measure(*samples: Sample) -> NodeLoad:
    """The load at the last of them."""
    meter = LoadMeter(CAPACITY)
    return [meter.measure(sample) for sample in samples][-1]


def shares(load: NodeLoad) -> list[float]:
    return [worker.utilization for worker in load.workers]


def waiting(at: float, *backlogs: float) -> Sample:
    return Sample(at, [WorkerSample(FakeLoad(backlog_share=each)) for each in backlogs])


def busy(at: float, *seconds: float) -> Sample:
    return Sample(at, [WorkerSample(FakeLoad(busy_seconds=each)) for each in seconds])


def sent(at: float, count: int) -> Sample:
    return Sample(at, [WorkerSample(FakeLoad(bytes_sent=count))])


def heard(at: float, stats: FakeStats) -> Sample:
    return Sample(at, [WorkerSample(FakeLoad(), stats)])


def test_the_first_sample_shows_no_rates() -> None:
    first = measure(Sample(5.0, [WorkerSample(FakeLoad(busy_seconds=3, bytes_sent=10**9))], ROOMS, 4))
    assert (first.utilization, shares(first), first.egress_bitrate) == (0.2, [0.0], 0.0)
    assert (first.participants, first.consumers) == (ROOMS, 4)


def test_utilization_is_that_of_the_busiest_worker() -> None:
    found = measure(busy(0, 0, 0), busy(2, 1.6, 0.4))
    assert shares(found) == pytest.approx([0.8, 0.2])
    assert found.utilization == pytest.approx(0.8)


def test_a_worker_that_failed_does_not_fill_the_node_while_another_lives() -> None:
    ended = Sample(2, [WorkerSample(FakeLoad(busy_seconds=0.6)), WorkerSample(None)])
    assert measure(busy(0, 0, 0), ended).utilization == pytest.approx(0.3)
    assert measure(busy(0, 0), Sample(2, [WorkerSample(None)])).utilization == 1.0


def test_each_load_is_that_since_the_sample_before_and_not_since_the_first() -> None:
    found = measure(busy(0, 0), busy(2, 2.0), busy(4, 2.2))
    assert found.utilization == pytest.approx(0.1)
    assert measure(sent(0, 0), sent(2, 225_000), sent(4, 225_000)).egress_bitrate == 0.0


def test_utilization_is_the_backlog_that_stays() -> None:
    found = measure(waiting(0, 0.1, 1.0), waiting(2, 0.2, 0.9))
    assert found.utilization == pytest.approx(0.9)
    assert shares(found) == [0.0, 0.0], "its CPU is told apart"


@pytest.mark.parametrize(
    "samples",
    [
        [waiting(0, 1.0)],
        [waiting(0, 0.0), waiting(2, 1.0)],
        [waiting(0, 1.0), waiting(2, 0.0)],
        [waiting(0, 1.0, 0.0), waiting(2, 0.0, 1.0)],
    ],
)
def test_a_burst_is_no_backlog(samples: list[Sample]) -> None:
    assert measure(*samples).utilization == 0.0


def test_what_waits_is_told_of_each_worker() -> None:
    loads = [FakeLoad(backlog_bytes=4096), FakeLoad(commands_waiting=2)]
    found = measure(Sample(0, [*(WorkerSample(load) for load in loads), WorkerSample(None)]))
    assert found.workers == [WorkerUse(0.0, 4096, 0), WorkerUse(0.0, 0, 2), WorkerUse(1.0)]


def test_utilization_is_what_is_sent_where_that_is_most() -> None:
    found = measure(sent(0, 1000), sent(2, 1000 + 225_000))
    assert found.egress_bitrate == pytest.approx(900_000)
    assert found.utilization == pytest.approx(0.9)


def test_utilization_is_the_people_where_they_are_most() -> None:
    people = Sample(2, [WorkerSample(FakeLoad())], {"a": 5, "b": 3})
    assert measure(people).utilization == pytest.approx(0.8)


def test_a_worker_that_failed_counts_as_full() -> None:
    ended = Sample(2, [WorkerSample(FakeLoad()), WorkerSample(None)])
    assert measure(busy(0, 0, 0), ended).workers == [WorkerUse(0.0), WorkerUse(1.0)]


def test_counters_of_a_worker_that_was_replaced_start_over() -> None:
    found = measure(
        Sample(0, [WorkerSample(FakeLoad(busy_seconds=9, bytes_sent=10**6))]),
        Sample(2, [WorkerSample(FakeLoad(busy_seconds=1, bytes_sent=10))]),
    )
    assert (shares(found), found.egress_bitrate) == ([0.0], 0.0)


def test_what_was_lost_on_the_way_to_us_and_from_us() -> None:
    def stats(received: int, lost: int, packets: int) -> FakeStats:
        return FakeStats(
            producers=[FakeProducerStats(1, packets_received=received, packets_lost=lost, jitter=0.02)],
            consumers=[FakeConsumerStats(2, packets_sent=packets, fraction_lost=0.05)],
        )

    # 100 were meant to come, 10 did not; 100 went, 5 of them did not arrive.
    found = measure(heard(0, stats(500, 3, 500)), heard(2, stats(590, 13, 600)))
    assert found.packet_loss == pytest.approx(15 / 200)
    assert found.jitter == pytest.approx(0.02)


def test_what_was_lost_before_the_last_sample_is_not_counted_again() -> None:
    def stats(received: int, lost: int, packets: int, fraction: float) -> FakeStats:
        return FakeStats(
            producers=[FakeProducerStats(1, packets_received=received, packets_lost=lost)],
            consumers=[FakeConsumerStats(2, packets_sent=packets, fraction_lost=fraction)],
        )

    first, lossy, clean = stats(0, 0, 0, 0.0), stats(90, 10, 100, 0.2), stats(190, 10, 200, 0.0)
    assert measure(heard(0, first), heard(2, lossy), heard(4, clean)).packet_loss == 0.0


def test_silence_is_no_loss_and_loss_is_never_more_than_everything() -> None:
    still = FakeStats(producers=[FakeProducerStats(1, packets_received=5, packets_lost=5)])
    assert measure(heard(0, still), heard(2, still)).packet_loss == 0
    repaired = FakeStats(producers=[FakeProducerStats(1, packets_lost=2, rtx_received=9, nacks_sent=9)])
    assert measure(heard(0, FakeStats()), heard(2, repaired)).packet_loss == 1.0


def test_people_are_counted_while_a_worker_does_not_answer() -> None:
    silent = Sample(2, [WorkerSample(FakeLoad(busy_seconds=1))], ROOMS)
    found = measure(heard(0, FakeStats()), silent)
    assert (found.packet_loss, found.jitter, shares(found)) == (0.0, 0.0, [0.5])


def test_packets_are_totals_over_all_workers() -> None:
    loads = [
        FakeLoad(packets_forwarded=5, packets_dropped=1, packets_overflowed=4, packets_refused=6),
        FakeLoad(packets_forwarded=7, packets_dropped=2, packets_overflowed=5, packets_refused=8),
    ]
    found = measure(Sample(0, [WorkerSample(load) for load in loads]))
    assert (found.packets_forwarded, found.packets_dropped, found.packets_overflowed) == (12, 3, 9)
    assert found.packets_refused == 14
