"""Kinds of transports, one module each. `transport` is what producers and consumers need of any kind."""
