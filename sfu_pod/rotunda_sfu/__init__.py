"""The media node: rooms, capability negotiation, DTLS and data channels around the native media worker."""
