"""The operator: keeps what stands in the cluster equal to what Room, MediaNode and MediaCluster ask for."""
