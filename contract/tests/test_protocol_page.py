"""docs/protocol.md knows every request, event and error code of the contract."""

import re
from pathlib import Path

from rotunda_contract.errors import BY_CODE
from rotunda_contract.signaling import EVENTS, EXCHANGES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


def test_the_page_names_everything() -> None:
    rows = [
        line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    named = {name for row in rows for name in re.findall(r"`([A-Za-z_]+)`", row)}
    assert set(EXCHANGES) | set(EVENTS) | set(BY_CODE) <= named
