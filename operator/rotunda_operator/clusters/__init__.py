"""Reconciling a MediaCluster: signaling, TURN, certificates and the fleet of media nodes."""
