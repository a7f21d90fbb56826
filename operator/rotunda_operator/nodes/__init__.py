"""What a MediaNode needs: its ports, its pod, and what its status says."""
