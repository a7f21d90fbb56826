import math

from rotunda_operator.load import LoadLedger, NodeReport

NODE = ("default", "mn-1")


def test_a_report_is_fresh_for_six_seconds() -> None:
    ledger = LoadLedger()
    report = NodeReport(utilization=0.4)
    ledger.record(NODE, report, now=100.0)

    assert ledger.fresh(NODE, 106.0) is report
    assert ledger.fresh(NODE, 106.1) is None
    assert ledger.last(NODE) == (report, 100.0)
    assert ledger.fresh_until(NODE, 100.0) == 106.0


def test_silence_and_departure_are_told_apart() -> None:
    ledger = LoadLedger()
    ledger.record(NODE, NodeReport(utilization=0.4), now=0.0)
    ledger.forget(NODE)

    assert ledger.last(NODE) is None
    assert ledger.fresh_until(NODE, 0.0) == math.inf
