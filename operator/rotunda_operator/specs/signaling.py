"""The signaling pods of a cluster: Deployment, Service, PodDisruptionBudget, ServiceAccount and Role."""

from rotunda_contract.resources import GROUP, MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.specs import names, turn_secret
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.metadata import labels, of_cluster, selector
from rotunda_operator.specs.pods import (
    TLS_DIRECTORY,
    container_security,
    environment,
    field,
    http_probe,
    pod_security,
    scratch_volume,
    secret_key,
    secret_volume,
    spread_over_nodes,
)

PORTS = {"http": 8080, "https": 8443}
"""Of the pods, by scheme."""
_SERVICE_PORTS = {"http": 80, "https": 443}
_API_KEYS_DIRECTORY = "/etc/rotunda/api-keys"
_HTTPS_DIRECTORY = "/etc/rotunda/https"
_TURN_DIRECTORY = "/etc/rotunda/turn"
URL = "url"
"""The key with the URL, in the Secrets of Redis and of the database."""
_RBAC = "rbac.authorization.k8s.io"


def signaling_objects(cluster: MediaCluster, installation: Installation) -> list[Manifest]:
    """ServiceAccount, Role, RoleBinding, Service, Deployment, PodDisruptionBudget, in this order."""
    return [
        _service_account(cluster),
        _role(cluster),
        _role_binding(cluster),
        _service(cluster),
        _deployment(cluster, installation),
        _disruption_budget(cluster),
    ]


def signaling_environment(cluster: MediaCluster, installation: Installation) -> dict[str, str | Manifest]:
    """The environment variables that `rotunda_signaling.settings` reads."""
    found: dict[str, str | Manifest] = {
        "ROTUNDA_HOST": "::",  # IPv4 and IPv6
        "ROTUNDA_PORT": str(PORTS[_scheme(cluster)]),
        "ROTUNDA_CLUSTER": cluster.metadata.name,
        "ROTUNDA_NAMESPACE": field("metadata.namespace"),
        "ROTUNDA_LOG_FORMAT": "json",
        # Without TURN these files are empty. So enabling or disabling TURN restarts no pod.
        "ROTUNDA_TURN_SECRET_FILE": f"{_TURN_DIRECTORY}/{turn_secret.SECRET}",
        "ROTUNDA_TURN_URLS_FILE": f"{_TURN_DIRECTORY}/{turn_secret.URLS}",
        "ROTUNDA_TURN_TTL": str(turn_secret.CREDENTIAL_SECONDS),
    }
    if installation.tls:
        found["ROTUNDA_TLS_DIRECTORY"] = TLS_DIRECTORY
    if cluster.spec.signaling.tls_secret_ref:
        found["ROTUNDA_HTTPS_DIRECTORY"] = _HTTPS_DIRECTORY
    if cluster.spec.auth.api_keys_secret_ref:
        found["ROTUNDA_API_KEYS_DIRECTORY"] = _API_KEYS_DIRECTORY
    if cluster.spec.redis.secret_ref:
        found["ROTUNDA_REDIS_URL"] = secret_key(cluster.spec.redis.secret_ref, URL)
    if cluster.spec.database.secret_ref:
        found["ROTUNDA_DATABASE_URL"] = secret_key(cluster.spec.database.secret_ref, URL)
    return found


def _scheme(cluster: MediaCluster) -> str:
    """The pods serve HTTPS if they have a certificate, otherwise HTTP behind a proxy that terminates TLS."""
    return "https" if cluster.spec.signaling.tls_secret_ref else "http"


def _metadata(cluster: MediaCluster) -> Manifest:
    return of_cluster(cluster, names.signaling(cluster), names.SIGNALING_COMPONENT)


def _selector(cluster: MediaCluster) -> dict[str, str]:
    return selector(cluster.metadata.name, names.SIGNALING_COMPONENT)


def _service_account(cluster: MediaCluster) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(cluster),
        "automountServiceAccountToken": False,
    }


def _role(cluster: MediaCluster) -> Manifest:
    """Signaling watches Rooms and nodes, creates Rooms on join, annotates Idle ones, and deletes them by its
    API."""
    watch = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [GROUP], "resources": ["rooms"], "verbs": [*watch, "create", "patch", "delete"]},
        {"apiGroups": [GROUP], "resources": ["medianodes", "mediaclusters"], "verbs": watch},
    ]
    return {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": _metadata(cluster), "rules": rules}


def _role_binding(cluster: MediaCluster) -> Manifest:
    name = names.signaling(cluster)
    account = {"kind": "ServiceAccount", "name": name, "namespace": cluster.metadata.namespace}
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": _metadata(cluster),
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [account],
    }


def _service(cluster: MediaCluster) -> Manifest:
    service = cluster.spec.signaling.service
    scheme = _scheme(cluster)
    number = _SERVICE_PORTS[scheme]
    port: Manifest = {"name": scheme, "port": number, "targetPort": scheme, "protocol": "TCP"}
    if service.type == "NodePort" and service.node_port:
        port["nodePort"] = service.node_port
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(cluster),
        "spec": {
            "type": service.type,
            "ipFamilyPolicy": "PreferDualStack",
            "selector": _selector(cluster),
            "ports": [port],
        },
    }


def _deployment(cluster: MediaCluster, installation: Installation) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(cluster),
        "spec": {
            "replicas": cluster.spec.signaling.replicas,
            "selector": {"matchLabels": _selector(cluster)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels(cluster.metadata.name, names.SIGNALING_COMPONENT)},
                "spec": _pod(cluster, installation),
            },
        },
    }


def _pod(cluster: MediaCluster, installation: Installation) -> Manifest:
    turn = secret_volume("turn", names.turn(cluster))
    turn["secret"]["items"] = [{"key": key, "path": key} for key in turn_secret.FOR_SIGNALING]
    volumes = [scratch_volume("tmp"), turn]
    mounts: list[Manifest] = [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "turn", "mountPath": _TURN_DIRECTORY, "readOnly": True},
    ]
    if installation.tls:
        volumes.append(secret_volume("tls", names.signaling_certificate(cluster)))
        mounts.append({"name": "tls", "mountPath": TLS_DIRECTORY, "readOnly": True})
    if secret := cluster.spec.signaling.tls_secret_ref:
        volumes.append(secret_volume("https", secret))
        mounts.append({"name": "https", "mountPath": _HTTPS_DIRECTORY, "readOnly": True})
    if secret := cluster.spec.auth.api_keys_secret_ref:
        # Mounted, so that pods read keys again when some are added or removed.
        volumes.append(secret_volume("api-keys", secret))
        mounts.append({"name": "api-keys", "mountPath": _API_KEYS_DIRECTORY, "readOnly": True})
    scheme = _scheme(cluster)
    container = {
        "name": "signaling",
        "image": installation.image(cluster, "signaling"),
        "imagePullPolicy": installation.pull_policy,
        "args": ["signaling"],
        "env": environment(signaling_environment(cluster, installation)),
        "ports": [{"name": scheme, "containerPort": PORTS[scheme], "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": container_security(),
        "readinessProbe": http_probe("/readyz", scheme, every=5, failures=2),
        "livenessProbe": http_probe("/healthz", scheme, every=10, failures=6),
        "volumeMounts": mounts,
    }
    return {
        "serviceAccountName": names.signaling(cluster),
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        **installation.image_pull_spec(),
        "terminationGracePeriodSeconds": 30,
        "securityContext": pod_security(),
        "topologySpreadConstraints": spread_over_nodes(_selector(cluster)),
        "containers": [container],
        "volumes": volumes,
    }


def _disruption_budget(cluster: MediaCluster) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(cluster),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": _selector(cluster)}},
    }
