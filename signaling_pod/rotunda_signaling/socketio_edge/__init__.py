"""Socket.IO: parses what clients send, hands it to the service, acknowledges exactly once and in order.

python-socketio carries the connection. Its dispatch of events is not used, because it finishes
pipelined requests out of order, runs them in tasks without a bound, and leaves without an answer what
is malformed, unknown or failed.
"""
