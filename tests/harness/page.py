"""Pages of a test's own, bundled with the packages of the web app."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"


async def build_page(sources: Mapping[str, str], target: Path) -> Path:
    """Bundles these modules, `main.ts` or `main.js` the first, into a page in the directory that it returns.

    What it imports comes from the web app's `node_modules`. The page works at any address.
    """
    (main,) = [name for name in sources if name.startswith("main.")]
    # Below node_modules, because modules are looked for in the directories above.
    folder = Path(tempfile.mkdtemp(prefix=".page-", dir=WEB / "node_modules"))
    try:
        for name, text in sources.items():
            (folder / name).write_text(text)
        (folder / "index.html").write_text(f'<script type="module" src="./{main}"></script>')
        vite = str(WEB / "node_modules" / ".bin" / "vite")
        where = (str(folder), "--outDir", str(target), "--emptyOutDir", "--base", "./")
        built = await asyncio.create_subprocess_exec(vite, "build", *where, "--logLevel", "warn")
        assert await built.wait() == 0
    finally:
        shutil.rmtree(folder)
    return target
