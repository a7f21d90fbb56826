"""Objects held against the YAML in golden/, which people read in reviews.

To write the files anew after a change that is meant: ROTUNDA_WRITE_GOLDEN=1 pytest operator/rotunda_operator
"""

import os
from pathlib import Path

import yaml

from rotunda_kube import Manifest

GOLDEN = Path(__file__).parent / "golden"


def check_golden(name: str, *manifests: Manifest) -> None:
    """Fails unless golden/<name>.yaml holds exactly these objects."""
    text = yaml.safe_dump_all(manifests, sort_keys=False, width=110)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("ROTUNDA_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.is_file(), f"{path} is missing: run the tests with ROTUNDA_WRITE_GOLDEN=1"
    assert list(yaml.safe_load_all(path.read_text())) == [*manifests]
