"""The operator: reconciles the cluster with what Rooms, MediaNodes and MediaClusters ask for."""
