"""Wrong values are refused in words that name them: the table of docs/helm.md, row by row."""

import re
import shlex

import pytest
from chart import CHART, KUBERNETES, NAMESPACE, REPOSITORY, helm

RIGHT = ("--set", "publicURL=https://meet.example.org,images.registry=registry.example.org/rotunda")
ROW = re.compile(r"^\| `(--set[^`]*)` \| (.+) \|$", re.MULTILINE)
TABLE = ROW.findall((REPOSITORY / "docs" / "helm.md").read_text())


def test_the_table_is_read() -> None:
    assert len(TABLE) >= 10


@pytest.mark.parametrize(("arguments", "answer"), TABLE)
def test_refused(arguments: str, answer: str) -> None:
    command = ("template", "rotunda", str(CHART), "--namespace", NAMESPACE, *KUBERNETES)
    done = helm(*command, *RIGHT, *shlex.split(arguments))
    assert done.returncode != 0
    for part in answer.replace("`", "").split(" … "):
        assert part in done.stderr
