import math

from rotunda_operator.load import LoadReports, NodeReport

NODE = ("default", "mn-1")


def test_a_report_is_fresh_for_six_seconds() -> None:
    reports = LoadReports()
    report = NodeReport(utilization=0.4)
    reports.record(NODE, report, now=100.0)

    assert reports.fresh(NODE, 106.0) is report
    assert reports.fresh(NODE, 106.1) is None
    assert reports.last(NODE) == (report, 100.0)
    assert reports.fresh_until(NODE, 100.0) == 106.0


def test_a_forgotten_node_has_no_last_report() -> None:
    reports = LoadReports()
    reports.record(NODE, NodeReport(utilization=0.4), now=0.0)
    reports.forget(NODE)

    assert reports.last(NODE) is None
    assert reports.fresh_until(NODE, 0.0) == math.inf


def test_a_report_that_was_delayed_is_stale_the_sooner() -> None:
    reports = LoadReports()
    reports.record(NODE, NodeReport(utilization=0.4), now=100.0, age=4.0)

    assert reports.fresh(NODE, 102.0) is not None
    assert reports.fresh(NODE, 102.1) is None
    assert reports.fresh_until(NODE, 101.0) == 102.0
