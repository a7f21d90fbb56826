// Command agent does on every node of the local cluster what kind's own images for it would do, where those
// cannot be pulled: it gives pods their network and makes the volumes that claims ask for. It is as simple as a
// cluster of a few nodes on one machine allows: it lists what there is every second instead of watching, routes
// need no overlay, volumes are directories. It enforces no NetworkPolicy, and pods do not reach the Internet.
package main

import (
	"log"
	"os"
	"time"
)

const interval = time.Second

func main() {
	log.SetFlags(0)
	node := os.Getenv("NODE_NAME")
	if node == "" {
		log.Fatal("agent: NODE_NAME must be set to the name of the Kubernetes node")
	}
	api, err := inCluster()
	if err != nil {
		log.Fatalf("agent: %v", err)
	}
	network := newNetwork(api, node)
	volumes := newVolumes(api, node)
	said := map[string]string{}
	for ; ; time.Sleep(interval) {
		sayOnce(said, "network", network.reconcile())
		sayOnce(said, "volumes", volumes.reconcile())
	}
}

// sayOnce logs an error when it differs from the last one of the same part.
func sayOnce(said map[string]string, part string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != said[part] && text != "" {
		log.Printf("%s: %s", part, text)
	}
	said[part] = text
}
