"""Ways to reach a media node: over gRPC, and a fake for tests."""
