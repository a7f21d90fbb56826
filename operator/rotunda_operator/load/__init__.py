"""Load reports of media nodes, kept in memory."""

from rotunda_operator.load.reports import LoadReports, NodeReport

__all__ = ["LoadReports", "NodeReport"]
