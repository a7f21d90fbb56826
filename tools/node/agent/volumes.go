package main

import (
	"log"
	"os"
	"path/filepath"
)

const (
	// provisioner is what the StorageClass names.
	provisioner = "rotunda.dev/local-directory"
	// volumeRoot is a directory of the node.
	volumeRoot   = "/var/local-volumes"
	selectedNode = "volume.kubernetes.io/selected-node"
	askedFor     = "volume.kubernetes.io/storage-provisioner"
	madeBy       = "pv.kubernetes.io/provisioned-by"
)

type object map[string]any

type metadata struct {
	Name, Namespace, UID string
	Annotations          map[string]string
}

type claimList struct {
	Items []struct {
		Metadata metadata
		Spec     struct {
			VolumeName, StorageClassName string
			AccessModes                  []string
			Resources                    struct{ Requests map[string]string }
		}
	}
}

type volumeList struct {
	Items []struct {
		Metadata metadata
		Spec     struct {
			PersistentVolumeReclaimPolicy string
			Local                         struct{ Path string }
			NodeAffinity                  struct {
				Required struct {
					NodeSelectorTerms []struct {
						MatchExpressions []struct{ Values []string }
					}
				}
			}
		}
		Status struct{ Phase string }
	}
}

// volumes makes a directory and a PersistentVolume for every claim whose pod the scheduler put on this node, and
// removes both when the claim is gone.
type volumes struct {
	api  *api
	node string
}

func newVolumes(api *api, node string) *volumes { return &volumes{api, node} }

func (v *volumes) reconcile() error {
	var claims claimList
	if err := v.api.get("/api/v1/persistentvolumeclaims", &claims); err != nil {
		return err
	}
	for _, claim := range claims.Items {
		asked := claim.Metadata.Annotations
		if claim.Spec.VolumeName != "" || asked[selectedNode] != v.node || asked[askedFor] != provisioner {
			continue
		}
		size := claim.Spec.Resources.Requests["storage"]
		if err := v.make(claim.Metadata, claim.Spec.StorageClassName, size, claim.Spec.AccessModes); err != nil {
			return err
		}
	}
	return v.removeReleased()
}

func (v *volumes) make(claim metadata, class, size string, modes []string) error {
	name := "pvc-" + claim.UID
	directory := filepath.Join(volumeRoot, name)
	if err := os.MkdirAll(directory, 0o777); err != nil {
		return err
	}
	// For whichever user the pod runs as.
	if err := os.Chmod(directory, 0o777); err != nil {
		return err
	}
	log.Printf("volumes: %s for %s/%s", directory, claim.Namespace, claim.Name)
	reference := object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.Namespace, "name": claim.Name, "uid": claim.UID}
	here := object{"key": "kubernetes.io/hostname", "operator": "In", "values": []string{v.node}}
	return v.api.create("/api/v1/persistentvolumes", object{
		"apiVersion": "v1",
		"kind":       "PersistentVolume",
		"metadata":   object{"name": name, "annotations": object{madeBy: provisioner}},
		"spec": object{
			"accessModes":                   modes,
			"capacity":                      object{"storage": size},
			"claimRef":                      reference,
			"local":                         object{"path": directory},
			"nodeAffinity":                  object{"required": object{"nodeSelectorTerms": []object{{"matchExpressions": []object{here}}}}},
			"persistentVolumeReclaimPolicy": "Delete",
			"storageClassName":              class,
		},
	})
}

func (v *volumes) removeReleased() error {
	var found volumeList
	if err := v.api.get("/api/v1/persistentvolumes", &found); err != nil {
		return err
	}
	for _, volume := range found.Items {
		terms := volume.Spec.NodeAffinity.Required.NodeSelectorTerms
		here := len(terms) == 1 && len(terms[0].MatchExpressions) == 1 && len(terms[0].MatchExpressions[0].Values) == 1 &&
			terms[0].MatchExpressions[0].Values[0] == v.node
		ours := volume.Metadata.Annotations[madeBy] == provisioner && filepath.Dir(volume.Spec.Local.Path) == volumeRoot
		done := volume.Status.Phase == "Released" && volume.Spec.PersistentVolumeReclaimPolicy == "Delete"
		if !here || !ours || !done {
			continue
		}
		log.Printf("volumes: removing %s", volume.Spec.Local.Path)
		if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
			return err
		}
		if err := v.api.remove("/api/v1/persistentvolumes/" + volume.Metadata.Name); err != nil {
			return err
		}
	}
	return nil
}
