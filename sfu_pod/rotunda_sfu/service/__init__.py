"""The MediaNode service over gRPC: handlers parse, call the node, and answer."""
