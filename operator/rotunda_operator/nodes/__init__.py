"""Reconciling a MediaNode: its ports, its pod and its status."""
