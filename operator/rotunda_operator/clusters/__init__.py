"""What stands for a MediaCluster: signaling, TURN, certificates and the fleet of media nodes."""
