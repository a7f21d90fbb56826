"""Scores of connections: from counters to what people are told."""

import pytest

from rotunda_sfu.fake_node import FakeNode
from rotunda_sfu.fake_worker import FakeConsumerStats, FakeProducerStats, FakeStats, FakeTransportStats
from rotunda_sfu.quality import (
    LinkSample,
    QualityMeter,
    UplinkCount,
    downlink_loss,
    quality,
    uplink_count,
    uplink_loss,
)
from rotunda_sfu.quality_monitor import QualityMonitor


def test_a_good_line_scores_best_and_has_no_reason() -> None:
    good = quality(LinkSample(jitter=0.005, round_trip=0.04))
    assert round(good.score) == 10
    assert good.reason is None


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (LinkSample(uplink_loss=0.1), "uplink loss"),
        (LinkSample(downlink_loss=0.1, round_trip=0.2), "downlink loss"),
        (LinkSample(jitter=0.15), "jitter"),
        (LinkSample(round_trip=0.8), "round trip"),
    ],
)
def test_what_costs_most_is_the_reason(sample: LinkSample, reason: str) -> None:
    bad = quality(sample)
    assert bad.reason == reason
    assert bad.score < 9


def test_worse_never_scores_better_and_nothing_scores_below_zero() -> None:
    losses = [quality(LinkSample(uplink_loss=percent / 100)).score for percent in range(101)]
    delays = [quality(LinkSample(round_trip=ms / 1000)).score for ms in range(0, 3000, 10)]
    for scores in (losses, delays):
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] == 0


def test_what_was_lost_and_repaired_counts_as_lost_on_the_line() -> None:
    before = [UplinkCount(received=1000, lost=5, repaired=20)]
    after = [UplinkCount(received=1095, lost=10, repaired=25)]
    assert uplink_loss(before, after) == pytest.approx(0.1)


def test_nothing_sent_is_nothing_lost() -> None:
    assert uplink_loss([], []) == 0
    assert uplink_loss([UplinkCount(100, 5, 5)], [UplinkCount(100, 5, 5)]) == 0


def test_probing_on_the_retransmission_stream_is_no_repair() -> None:
    stats = FakeProducerStats(1, packets_received=100, rtx_received=50, nacks_sent=2)
    assert uplink_count(stats).repaired == 2


def test_consumers_that_send_nothing_say_nothing_of_the_line() -> None:
    consumers = [FakeConsumerStats(1, packets_sent=10, fraction_lost=0.2), FakeConsumerStats(2)]
    assert downlink_loss(consumers) == pytest.approx(0.2)


def test_a_score_is_told_when_it_has_moved_and_not_while_it_trembles() -> None:
    meter = QualityMeter()
    good, bad = LinkSample(round_trip=0.04), LinkSample(uplink_loss=0.2)
    assert [meter.update(good) for _ in range(5)] == [None] * 5
    falling = [meter.update(bad) for _ in range(10)]
    told = [each for each in falling if each]
    assert told[0][1] == "uplink loss"
    assert told[-1][0] == pytest.approx(quality(bad).score, abs=1)
    scores = [score for score, _ in told]
    assert scores == sorted(scores, reverse=True)
    rising = [each for each in (meter.update(good) for _ in range(20)) if each]
    assert rising[-1] == (10, None)


def test_a_score_on_the_edge_is_not_told_again_and_again() -> None:
    meter = QualityMeter()
    samples = [LinkSample(uplink_loss=0.10 + 0.01 * (index % 2)) for index in range(50)]
    assert sum(meter.update(sample) is not None for sample in samples) <= 3


async def test_a_bad_uplink_is_told_to_the_room() -> None:
    fake = FakeNode()
    room = fake.open()
    ada, bob = room.join("Ada"), room.join("Bob")
    producer = ada.camera()
    consumer = bob.consume(producer)
    consumer.resume()
    await room.events()
    monitor = QualityMonitor()
    for count in range(1, 4):
        producers = [FakeProducerStats(producer.number, packets_received=count * 70, packets_lost=count * 30)]
        trips = [
            FakeTransportStats(transport.number, 0.05) for transport in ada.participant.transports.values()
        ]
        consumers = [FakeConsumerStats(consumer.number, packets_sent=100)]
        monitor.update([room.room], FakeStats(trips, producers, consumers))
    events = await room.events()
    assert {event.connection_quality.participant_id for event in events} == {ada.participant.id}
    assert events[-1].connection_quality.score < 5
    assert events[-1].reason == "uplink loss"
