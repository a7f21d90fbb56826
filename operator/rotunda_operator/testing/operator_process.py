"""The operator as a process, as it runs in a cluster."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from rotunda_operator.testing.ports import free_port


class OperatorProcess:
    """Started by `start`, or as a context manager. `otlp_port` stays the same over restarts."""

    def __init__(self, folder: Path, kubeconfig: Path, namespace: str, **settings: str) -> None:
        self.otlp_port = free_port()
        self.log = folder / f"operator-{self.otlp_port}.log"
        scheme = "https" if settings.get("tls") else "http"
        self._environment = {
            **os.environ,
            "ROTUNDA_OPERATOR_KUBECONFIG": str(kubeconfig),
            "ROTUNDA_OPERATOR_NAMESPACE": namespace,
            "ROTUNDA_OPERATOR_OTLP_ADDRESS": f"127.0.0.1:{self.otlp_port}",
            "ROTUNDA_OPERATOR_OTLP_ENDPOINT": f"{scheme}://127.0.0.1:{self.otlp_port}",
            "ROTUNDA_OPERATOR_LOG_FORMAT": "json",
            **{f"ROTUNDA_OPERATOR_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def check_log(self, *, refusals: bool = False) -> None:
        """Fails if the log shows a request that its Role does not allow, or a defect.

        `refusals`: the test itself makes the API server refuse requests, so refusals in the log are no
        failure.
        """
        suspicious = ("defect", "Traceback") if refusals else ("forbidden", "defect", "Traceback")
        lines = self.log.read_text(errors="replace").splitlines()
        wrong = [line for line in lines if any(word in line for word in suspicious)]
        assert not wrong, "\n".join(wrong[:20])

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rotunda", "operator"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self, seconds: float = 30.0) -> int:
        """Waits until it ends by itself. The exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> int:
        """Sends SIGTERM, as a kubelet does. The exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(how)
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
