"""Fails where a source file has over 500 lines or a Python function over 60: too much to hold in the head.

Functions of Rust and TypeScript are measured by clippy and eslint. Generated sources are left out.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 500
FUNCTION_LINES = 60
PATTERNS = ("*.py", "*.rs", "*.ts", "*.tsx", "*.css", "*.sh", "*.proto")
GENERATED = ("contract/rotunda_contract/pb/", "web/src/contract/")


def main() -> int:
    """Prints what is too long; the exit status is 1 when something is."""
    complaints = [complaint for path in sources() for complaint in examine(path)]
    print("\n".join(complaints))
    return 1 if complaints else 0


def sources() -> list[Path]:
    """Every file that git tracks or would track, but generated ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PATTERNS]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [ROOT / name for name in names if not name.startswith(GENERATED) and (ROOT / name).is_file()]


def examine(path: Path) -> Iterator[str]:
    text = path.read_text()
    length = text.count("\n")
    name = path.relative_to(ROOT)
    if length > FILE_LINES:
        yield f"{name}: {length} lines, at most {FILE_LINES}"
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{name}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"


if __name__ == "__main__":
    sys.exit(main())
