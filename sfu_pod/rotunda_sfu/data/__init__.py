"""Data channels: SCTP associations over DTLS, and who sends what to whom."""
