"""Each image installs only what its pod needs: the command must start with nothing else."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}: this image does not install it", name=name)

hidden = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Absent())
"""


def hidden_modules(image: str) -> set[str]:
    """The modules that are installed here and would not be in the image."""
    lines = (REQUIREMENTS / f"{image}.txt").read_text().splitlines()
    pins = [Requirement(line.rstrip(" \\")) for line in lines if "==" in line]
    installed = {canonicalize_name(pin.name) for pin in pins} | {"rotunda", "rotunda-media"}
    found = packages_distributions()
    return {
        module
        for module, distributions in found.items()
        if not any(canonicalize_name(distribution) in installed for distribution in distributions)
    }


def start(image: str, main: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", WITHOUT + main, ",".join(hidden_modules(image))]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.parametrize(
    ("image", "module"),
    [
        ("operator", "rotunda_operator.app"),
        ("sfu", "rotunda.sfu"),
        ("sfu", "rotunda.caller.call"),
        ("signaling", "rotunda.signaling"),
    ],
)
def test_an_image_has_what_its_pod_imports(image: str, module: str) -> None:
    done = start(image, f"from rotunda.cli import main\nmain(['version'])\nimport {module}")
    assert done.stderr == ""
    assert done.stdout.startswith("rotunda ")
    assert done.returncode == 0


def test_what_an_image_has_not_is_absent_here() -> None:
    assert "No module named 'jwt'" in start("operator", "import jwt").stderr
