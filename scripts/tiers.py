"""Runs a list of steps, each with a time budget, and prints at the end what they said and took.

`tiers.py check` runs what needs no test, `tiers.py test` all of it. A step that fails or outlasts its
budget fails the run; the steps after it still run, so that one run shows everything.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from steps import TIERS, Step

ROOT = Path(__file__).resolve().parent.parent
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PASSED = re.compile(r"\b(\d+) passed\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step: `verdict` is "ok" or why not; `passed` counts tests, 0 where none are."""

    step: Step
    seconds: float
    verdict: str
    passed: int


def main() -> int:
    """Runs the tiers named on the command line; the exit status is 1 when any step failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiers", nargs="+", choices=sorted(TIERS))
    tiers = parser.parse_args().tiers
    outcomes = [run(step) for tier in tiers for step in TIERS[tier]]
    print(table(outcomes), flush=True)
    return 0 if all(outcome.verdict == "ok" for outcome in outcomes) else 1


def run(step: Step) -> Outcome:
    """Runs one step in its own process group and shows its output as it comes."""
    print(f"\n━━ {step.name}: {' '.join(step.command)}", flush=True)
    began = time.monotonic()
    process = subprocess.Popen(
        step.command,
        cwd=ROOT / step.directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    overdue = threading.Event()
    timer = threading.Timer(step.budget_seconds, end, (process, overdue))
    timer.start()
    passed = show(process)
    status = process.wait()
    timer.cancel()
    seconds = time.monotonic() - began
    if overdue.is_set():
        return Outcome(step, seconds, f"over its budget of {step.budget_seconds} s", passed)
    if status != 0:
        return Outcome(step, seconds, f"FAILED (exit status {status})", passed)
    if step.is_test and passed == 0:
        return Outcome(step, seconds, "FAILED (no test ran)", passed)
    return Outcome(step, seconds, "ok", passed)


def environment() -> dict[str, str]:
    """The caller's, with this checkout's own tools (python, node, go) first."""
    return os.environ | {
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }


def end(process: subprocess.Popen[str], overdue: threading.Event) -> None:
    overdue.set()
    os.killpg(process.pid, signal.SIGKILL)


def show(process: subprocess.Popen[str]) -> int:
    """Copies the output and adds up what the runners' summary lines say was passed."""
    assert process.stdout is not None
    passed = 0
    for line in process.stdout:
        print(line, end="", flush=True)
        plain = COLOUR.sub("", line).strip()
        if is_summary(plain) and (found := PASSED.search(plain)):
            passed += int(found[1])
    return passed


def is_summary(line: str) -> bool:
    """Whether this line closes the report of pytest (`== 3 passed in 1s ==`), cargo or vitest."""
    return line.startswith(("test result:", "Tests ")) or (line.startswith("=") and " in " in line)


def table(outcomes: list[Outcome]) -> str:
    """Where the time went, and how each step ended."""
    width = max(len(outcome.step.name) for outcome in outcomes)
    rows = [
        f"{outcome.step.name:<{width}}  {outcome.seconds:7.1f} s  "
        f"{f'{outcome.passed} passed' if outcome.step.is_test else '':>11}  {outcome.verdict}"
        for outcome in outcomes
    ]
    total = sum(outcome.seconds for outcome in outcomes)
    tests = sum(outcome.passed for outcome in outcomes)
    return "\n".join(["", *rows, f"{'total':<{width}}  {total:7.1f} s  {tests} passed"])


if __name__ == "__main__":
    sys.exit(main())
