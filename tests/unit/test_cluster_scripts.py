"""The scripts of images and of the local cluster: what they say of a mistake, and what needs no engine."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "scripts/cluster/runc-without-sys-resource"


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "environment", "says"),
    [
        (("scripts/images/build.sh", "sgnaling"), {}, "there is no image sgnaling; there are: operator sfu"),
        (("scripts/images/build.sh",), {"PARTS": "some"}, "PARTS must be compiled or prebuilt, and is some"),
        (("scripts/images/push.sh",), {}, "make push needs a registry to push to"),
        (("scripts/cluster/engine.sh", "sideways"), {}, "usage: engine.sh up|down"),
    ],
)
def test_a_mistake_is_told_before_anything_happens(
    command: tuple[str, ...], environment: dict[str, str], says: str
) -> None:
    done = run(*command, **environment)
    assert says in done.stderr
    assert done.returncode != 0


def test_go_sources_are_formatted() -> None:
    # Go's wheel puts the go command alone on PATH.
    gofmt = Path(run("go", "env", "GOROOT").stdout.strip()) / "bin" / "gofmt"
    done = run(str(gofmt), "-l", "tools")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.fixture
def runc(tmp_path: Path) -> dict[str, str]:
    """A runc that says how it was called, before the real one on PATH."""
    fake = tmp_path / "bin" / "runc"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    return {"PATH": f"{fake.parent}:{os.environ['PATH']}"}


def test_a_container_asks_for_no_right_that_the_machine_has_not(tmp_path: Path, runc: dict[str, str]) -> None:
    every = ["CAP_NET_ADMIN", "CAP_SYS_RESOURCE"]
    capabilities = dict.fromkeys(("bounding", "effective", "permitted"), every)
    process = {"args": ["sh"], "oomScoreAdj": -500, "capabilities": capabilities}
    (tmp_path / "config.json").write_text(json.dumps({"process": process, "hostname": "one"}))
    done = run(str(RUNTIME), "--root", "/r", "create", "--bundle", str(tmp_path), "id", **runc)
    assert done.stdout == f"--root /r create --bundle {tmp_path} id\n"
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["hostname"] == "one"
    assert "oomScoreAdj" not in config["process"]
    assert config["process"]["capabilities"] == {key: ["CAP_NET_ADMIN"] for key in capabilities}


def test_a_command_in_a_container_neither(tmp_path: Path, runc: dict[str, str]) -> None:
    process = tmp_path / "process.json"
    process.write_text(json.dumps({"args": ["ls"], "capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}}))
    done = run(str(RUNTIME), "exec", "--process", str(process), "id", **runc)
    assert done.stdout == f"exec --process {process} id\n"
    assert json.loads(process.read_text()) == {"args": ["ls"], "capabilities": {"bounding": []}}


def test_a_container_that_is_killed_first_stays_so(tmp_path: Path, runc: dict[str, str]) -> None:
    (tmp_path / "config.json").write_text('{"process": {"oomScoreAdj": 800}}')
    run(str(RUNTIME), "create", "-b", str(tmp_path), "id", **runc)
    assert json.loads((tmp_path / "config.json").read_text()) == {"process": {"oomScoreAdj": 800}}
