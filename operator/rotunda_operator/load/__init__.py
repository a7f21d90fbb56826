"""What media nodes report of themselves, kept in memory."""

from rotunda_operator.load.reports import LoadLedger, NodeReport

__all__ = ["LoadLedger", "NodeReport"]
