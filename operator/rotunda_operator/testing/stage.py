"""A test environment: a namespace with an operator that runs in it, and kubectl."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from rotunda_operator.testing.control_plane import ControlPlane
from rotunda_operator.testing.kubelet import FakeKubelet
from rotunda_operator.testing.operator_process import OperatorProcess
from rotunda_operator.testing.process_kubelet import ProcessKubelet
from rotunda_operator.testing.reporter import Reporter

PATIENCE_SECONDS = 300.0
"""Deadline of everything that a test waits for. On a quiet machine it takes well under a second."""

LEASE_SECONDS = "60"
"""Long: if an operator loses its lease because the machine is overloaded, nothing starts it again."""

Object = dict[str, Any]


class Stage:
    """A context manager. Everything that was started in it ends with it."""

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str, **settings: str) -> None:
        self.plane = plane
        self.namespace = namespace
        plane.kubectl("create", "namespace", namespace)
        plane.kubectl("create", "serviceaccount", "default", "-n", namespace, check=False)
        kubeconfig = plane.operator_kubeconfig(namespace)
        self.operator = OperatorProcess(
            folder, kubeconfig, namespace, **{"lease_seconds": LEASE_SECONDS, **settings}
        )
        self.refusals = False
        """Whether the test makes the API server refuse writes of the operator."""
        self.reporter = Reporter(namespace, self.operator.otlp_port)
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> "Stage":
        self.operator.start()
        self._open.callback(self.operator.kill)
        self._open.callback(self.reporter.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if kind is None:
            self.operator.check_log(refusals=self.refusals)

    def kubelet(self) -> FakeKubelet:
        """From now on pods run."""
        kubelet = FakeKubelet(self.plane.kubeconfig, self.namespace)
        self._open.callback(kubelet.close)
        return kubelet

    def process_kubelet(self, report_to: Mapping[str, int] | None = None) -> ProcessKubelet:
        """From now on media nodes run, as processes of this machine.

        `report_to`: by MediaNode, the port to which it reports its load, if not the operator's.
        """
        kubelet = ProcessKubelet(self.plane.kubeconfig, self.namespace, self._folder, report_to=report_to)
        self._open.callback(kubelet.close)
        return kubelet

    def apply(self, kind: str, name: str, spec: Object | None = None, **metadata: Any) -> None:
        manifest = {
            "apiVersion": "rotunda.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace, **metadata},
            "spec": spec or {},
        }
        self.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return self.plane.kubectl("-n", self.namespace, *arguments, check=check)

    def get(self, kind: str, name: str) -> Object:
        """The object; empty when there is none."""
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        found: Object = json.loads(text) if text.strip() else {}
        return found

    def serve(self, *nodes: str, utilization: float = 0.1) -> None:
        """Creates MediaNodes and waits until they are Ready. Call `kubelet` before."""
        for node in nodes:
            self.apply("MediaNode", node)
            self.reporter.report(node, utilization)
        for node in nodes:
            self.until("mn", node, lambda found: found["status"]["phase"] == "Ready")

    def placed(self, room: str, epoch: int = 1) -> str:
        """Waits until the room is assigned with this epoch. The name of its node."""
        found = self.until("room", room, lambda r: r["status"]["assignment"]["epoch"] == epoch)
        node: str = found["status"]["assignment"]["mediaNode"]
        return node

    def items(self, kind: str, *options: str) -> list[Object]:
        found: list[Object] = json.loads(self.kubectl("get", kind, "-o", "json", *options))["items"]
        return found

    def until(
        self, kind: str, name: str, holds: Callable[[Object], Any], seconds: float = PATIENCE_SECONDS
    ) -> Object:
        """Waits until `holds` is true of the object. Fails with the object and the operator's log."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.get(kind, name)
            if _holds(holds, found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{json.dumps(found, indent=1)}\n{self.log()}")
            time.sleep(0.1)

    def until_items(
        self, kind: str, holds: Callable[[list[Object]], Any], seconds: float = PATIENCE_SECONDS
    ) -> list[Object]:
        """Waits until `holds` is true of the list."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.items(kind)
            if holds(found):
                return found
            if time.monotonic() > deadline:
                names = [(item["metadata"]["name"], item.get("status")) for item in found]
                raise AssertionError(f"{json.dumps(names, indent=1)}\n{self.log()}")
            time.sleep(0.1)

    def log(self, lines: int = 60) -> str:
        return "\n".join(self.operator.log.read_text(errors="replace").splitlines()[-lines:])


def _holds(holds: Callable[[Object], Any], found: Object) -> bool:
    try:
        return bool(holds(found))
    except KeyError:
        return False
