"""Starts and stops etcd, kube-apiserver and, where their work matters, controller-manager and scheduler.

Everything listens on loopback, on free ports, and writes into one folder of the test run.
"""

import json
import os
import secrets
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from rotunda_operator.testing.ports import free_port

START_SECONDS = 300.0
REPOSITORY = Path(__file__).resolve().parents[3]


def binaries() -> Path:
    """The folder with the programs of the control plane: KUBEBUILDER_ASSETS, or built once into the cache."""
    script = REPOSITORY / "scripts" / "kubernetes.sh"
    done = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    return Path(done.stdout.strip())


class ControlPlane:
    """One API server with our custom resources, and its etcd. A context manager.

    `kubeconfig` is an administrator's. `full` also starts kube-controller-manager and kube-scheduler: then
    objects are deleted with their owners.
    """

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        self._folder = folder
        self._full = full
        self._programs = binaries()
        self._token = secrets.token_urlsafe(24)
        self._port = free_port()
        self._etcd_port = free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._open = ExitStack()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def kubeconfig(self) -> Path:
        return self._folder / "kubeconfig"

    @property
    def ca(self) -> Path:
        return self._folder / "pki" / "apiserver.crt"

    def __enter__(self) -> "ControlPlane":
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._write_credentials()
            self._start_etcd()
            self.start_apiserver()
            self._define_resources()
            if self._full:
                self._start_controllers()
        except BaseException:
            self._stop_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_all()

    def start_apiserver(self) -> None:
        """Starts it and waits until it serves. After `stop_apiserver`: with the same data and address."""
        pki = self._folder / "pki"
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            # Not loopback, which the endpoints reconciler refuses. Nobody calls this address.
            "--advertise-address=192.0.2.1",
            f"--secure-port={self._port}",
            f"--cert-dir={pki}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
        )
        self._wait("kube-apiserver", f"{self.url}/readyz", self.ca)
        self._write_kubeconfig()

    def operator_kubeconfig(self, namespace: str) -> Path:
        """Credentials of a ServiceAccount that may do what operator/rbac.yaml allows, and nothing else."""
        name = "rotunda-operator"
        self.kubectl("create", "serviceaccount", name, "-n", namespace)
        self.kubectl("apply", "-f", str(REPOSITORY / "operator" / "rbac.yaml"))
        who = f"--serviceaccount={namespace}:{name}"
        self.kubectl("create", "rolebinding", name, "-n", namespace, f"--clusterrole={name}", who)
        bound = f"{name}-nodes-{namespace}"
        self.kubectl("create", "clusterrolebinding", bound, f"--clusterrole={name}-nodes", who)
        return self.account_kubeconfig(namespace, name)

    def account_kubeconfig(self, namespace: str, account: str) -> Path:
        """Credentials of an existing ServiceAccount."""
        token = self.kubectl("create", "token", account, "-n", namespace, "--duration=24h").strip()
        path = self._folder / f"{account}-{namespace}.kubeconfig"
        path.write_text(self._kubeconfig_of(token, namespace))
        return path

    def _define_resources(self) -> None:
        self.kubectl("apply", "-f", str(REPOSITORY / "crds"))
        self.kubectl("wait", "--for=condition=Established", "crd", "--all")

    def stop_apiserver(self) -> None:
        self._stop("kube-apiserver")

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl as an administrator and answers with its standard output. A failure raises
        AssertionError."""
        done = subprocess.run(
            [self._programs / "kubectl", *arguments],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self._folder)},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout if done.returncode == 0 else done.stderr

    def _write_credentials(self) -> None:
        pki = self._folder / "pki"
        pki.mkdir(exist_ok=True)
        (self._folder / "tokens.csv").write_text(f"{self._token},admin,admin,system:masters\n")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (pki / "sa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        (pki / "sa.pub").write_bytes(
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def _write_kubeconfig(self) -> None:
        self.kubeconfig.write_text(self._kubeconfig_of(self._token, "default"))

    def _kubeconfig_of(self, token: str, namespace: str) -> str:
        name = "test"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [
                {"name": name, "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}
            ],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        }
        return json.dumps(config)

    def _start_etcd(self) -> None:
        peer = free_port()
        self._start(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{self._etcd_port}",
            f"--advertise-client-urls=http://127.0.0.1:{self._etcd_port}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        )
        self._wait("etcd", f"http://127.0.0.1:{self._etcd_port}/health", None)

    def _start_controllers(self) -> None:
        client = [
            f"--{use}={self.kubeconfig}"
            for use in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
        ]
        common = [*client, "--leader-elect=false", "--bind-address=127.0.0.1"]
        self._start(
            "kube-controller-manager",
            *common,
            f"--secure-port={free_port()}",
            f"--service-account-private-key-file={self._folder / 'pki' / 'sa.key'}",
            "--use-service-account-credentials=true",
        )
        self._start("kube-scheduler", *common, f"--secure-port={free_port()}")

    def _start(self, program: str, *arguments: str) -> None:
        log = self._open.enter_context((self._folder / f"{program}.log").open("ab"))
        self._running[program] = subprocess.Popen(
            [self._programs / program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )

    def _wait(self, program: str, url: str, ca: Path | None) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._running[program].poll() is not None:
                break
            try:
                # The API server writes its certificate only after it has started.
                verify = ssl.create_default_context(cafile=ca) if ca is not None else True
                headers = {"Authorization": f"Bearer {self._token}"}
                if httpx.get(url, verify=verify, headers=headers, timeout=5).status_code == 200:
                    return
            except (httpx.HTTPError, OSError):
                pass
            time.sleep(0.05)
        log = (self._folder / f"{program}.log").read_text(errors="replace")
        raise RuntimeError(f"{program} does not serve {url}:\n{log[-3000:]}")

    def _stop(self, program: str) -> None:
        process = self._running.pop(program, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _stop_all(self) -> None:
        for program in reversed(list(self._running)):
            self._stop(program)
        self._open.close()
