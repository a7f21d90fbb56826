"""What two processes of Rotunda agree on: ids, errors, RTP parameters, messages, gRPC."""
