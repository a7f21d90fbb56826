package main

import (
	"fmt"
	"log"
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

const (
	configDirectory = "/etc/cni/net.d"
	configName      = "10-agent.conflist"
)

// A pod is one end of a link whose other end is the node's; the node routes between them.
const config = `{
  "cniVersion": "0.4.0",
  "name": "agent",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam-state",
        "ranges": [[{"subnet": %q}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

type nodeList struct {
	Items []struct {
		Metadata struct{ Name string }
		Spec     struct{ PodCIDR string }
		Status   struct {
			Addresses []struct{ Type, Address string }
		}
	}
}

// network tells the container runtime which addresses this node's pods get, and the kernel through which node it
// reaches those of the others.
type network struct {
	api  *api
	node string
	done map[string]string // by node: pod network and address that have been set
}

func newNetwork(api *api, node string) *network { return &network{api, node, map[string]string{}} }

func (n *network) reconcile() error {
	var nodes nodeList
	if err := n.api.get("/api/v1/nodes", &nodes); err != nil {
		return err
	}
	for _, node := range nodes.Items {
		address := ""
		for _, known := range node.Status.Addresses {
			if known.Type == "InternalIP" && address == "" {
				address = known.Address
			}
		}
		pods, name := node.Spec.PodCIDR, node.Metadata.Name
		if pods == "" || address == "" || n.done[name] == pods+" "+address {
			continue
		}
		if err := n.set(name, pods, address); err != nil {
			return fmt.Errorf("pods of %s: %w", name, err)
		}
		log.Printf("network: pods of %s: %s at %s", name, pods, address)
		n.done[name] = pods + " " + address
	}
	return nil
}

func (n *network) set(node, pods, address string) error {
	if node == n.node {
		return writeConfig(pods)
	}
	_, destination, err := net.ParseCIDR(pods)
	if err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{Dst: destination, Gw: net.ParseIP(address)})
}

// writeConfig replaces the file at once: the runtime looks at the directory all the time.
func writeConfig(pods string) error {
	partial := configDirectory + "/." + configName
	if err := os.WriteFile(partial, fmt.Appendf(nil, config, pods), 0o644); err != nil {
		return err
	}
	return os.Rename(partial, configDirectory+"/"+configName)
}
