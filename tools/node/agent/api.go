package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"

// api speaks JSON with the Kubernetes API server as the pod's service account.
type api struct {
	url    string
	client *http.Client
}

func inCluster() (*api, error) {
	authority, err := os.ReadFile(serviceAccount + "ca.crt")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%sca.crt holds no certificate", serviceAccount)
	}
	host := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &api{"https://" + host, &http.Client{Timeout: 10 * time.Second, Transport: transport}}, nil
}

// get decodes what stands at the path.
func (a *api) get(path string, into any) error { return a.call(http.MethodGet, path, nil, into) }

// create posts the object; one that exists already is no error.
func (a *api) create(path string, object any) error {
	err := a.call(http.MethodPost, path, object, nil)
	if hasStatus(err, http.StatusConflict) {
		return nil
	}
	return err
}

// remove deletes what stands at the path; nothing there is no error.
func (a *api) remove(path string) error {
	err := a.call(http.MethodDelete, path, nil, nil)
	if hasStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func (a *api) call(method, path string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, a.url+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	// It is renewed in place.
	token, err := os.ReadFile(serviceAccount + "token")
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return &refusal{response.StatusCode, fmt.Sprintf("%s %s: %s: %s", method, path, response.Status, reason)}
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// refusal is an answer of the API server that is no success.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func hasStatus(err error, status int) bool {
	refused, ok := err.(*refusal)
	return ok && refused.status == status
}
