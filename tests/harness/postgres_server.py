"""A real PostgreSQL of Debian's package, with a database of its own in a folder of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from rotunda_operator.testing.ports import free_port

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps them, by version; none of them is on PATH."""
START_SECONDS = 120.0
STOP_SECONDS = 60.0
USER = "postgres"
"""Whom it runs as where the tests run as root, which it refuses to."""
_DATABASE = "postgres"
_OWNER = "rotunda"


class PostgresServer:
    """A context manager; `stop` and `start` leave its address and its data as they are."""

    def __init__(self) -> None:
        self.port = free_port()
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="rotunda-postgres-"))
        self._as_user = _as_user()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{_DATABASE}"

    def __enter__(self) -> "PostgresServer":
        try:
            self._initialize()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Returns once it takes connections."""
        # Nothing here outlives the test, so that nothing need reach the disk.
        options = ("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "logging_collector=off")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("postgres"), "-D", self._data, "-p", str(self.port), "-k", "", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as_user,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._takes_connections():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"postgres does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Connections break at once; the data is safe."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _program(self, name: str) -> str:
        return str(self._programs / name)

    def _initialize(self) -> None:
        if self._as_user:
            shutil.chown(self._folder, USER)
        command = [self._program("initdb"), "-D", self._data, "-U", _OWNER, "--auth=trust", "--no-sync"]
        done = subprocess.run(
            [*command, "--encoding=UTF8", "--locale=C.UTF-8"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            **self._as_user,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb: {done.stdout}{done.stderr}")

    def _takes_connections(self) -> bool:
        command = [self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def _programs() -> Path:
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError(f"no PostgreSQL below {PROGRAMS}: apt-get install postgresql")
    return found[-1].parent


def _as_user() -> dict[str, Any]:
    """Arguments of subprocess."""
    if os.geteuid() != 0:
        return {}
    return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []}
