"""What `make check` and `make test` consist of."""

from dataclasses import dataclass

PACKAGES = (
    "rotunda",
    "rotunda_base",
    "rotunda_contract",
    "rotunda_kube",
    "rotunda_operator",
    "rotunda_sfu",
    "rotunda_signaling",
    "harness",
    "stories",
    "stories_kubernetes",
    "bench",
)
SCRIPTS = ("check_sizes", "generate_chart", "generate_proto", "generate_settings", "tiers")
TYPED = (
    *(word for package in PACKAGES for word in ("-p", package)),
    *(word for script in SCRIPTS for word in ("-m", script)),
)
MEDIA = "sfu_pod/media"


@dataclass(frozen=True, slots=True)
class Step:
    """One command, run in `directory` below the root. A test step must say how many tests passed."""

    name: str
    command: tuple[str, ...]
    budget_seconds: int
    directory: str = "."
    is_test: bool = False


CHECK = [
    Step("Python format", ("ruff", "format", "--check", "."), 120),
    Step("Python lint", ("ruff", "check", "."), 120),
    Step("Python types", ("mypy", *TYPED), 600),
    Step("sizes", ("python", "scripts/check_sizes.py"), 60),
    Step("import arrows", ("lint-imports",), 60),
    Step("generated protobuf", ("python", "scripts/generate_proto.py", "--check"), 60),
    Step("generated JSON Schema", ("python", "-m", "rotunda_contract.schema", "--check"), 60),
    Step("generated settings page", ("python", "scripts/generate_settings.py", "--check"), 60),
    Step("generated parts of the chart", ("python", "scripts/generate_chart.py", "--check"), 60),
    # Builds helm on a machine's first run: nearly all of this budget is for that.
    Step("chart", ("scripts/helm_lint.sh",), 1500),
    Step(
        "native stub", ("stubtest", "rotunda_media", "--allowlist", f"{MEDIA}/py/stubtest-allowlist.txt"), 120
    ),
    Step("Rust format", ("cargo", "fmt", "--all", "--check"), 60, MEDIA),
    Step(
        "Rust lint",
        ("cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"),
        600,
        MEDIA,
    ),
    Step("web", ("npm", "run", "--silent", "check"), 300, "web"),
]

UNIT = [
    Step("Python tests", ("pytest",), 1800, is_test=True),
    # Builds etcd and kube-apiserver on a machine's first run: nearly all of this budget is for that.
    Step("operator tests", ("pytest", "operator/rotunda_operator/tests"), 2400, is_test=True),
    Step("chart tests", ("pytest", "charts/tests"), 900, is_test=True),
    Step("directory tests", ("pytest", "signaling_pod/tests_kubernetes"), 900, is_test=True),
    # The binding has no Rust tests of its own, and linking them would need a shared libpython.
    Step(
        "Rust tests",
        ("cargo", "test", "--locked", "--workspace", "--exclude", "rotunda-media-py"),
        900,
        MEDIA,
        is_test=True,
    ),
    Step("web tests", ("npm", "test", "--silent"), 400, "web", is_test=True),
]

STORIES = [
    Step("stories in browsers", ("pytest", "tests/stories", "-s", "--durations=10"), 3600, is_test=True),
    Step("stories on Kubernetes", ("pytest", "tests/stories_kubernetes", "-s"), 2400, is_test=True),
]

TIERS = {"check": CHECK, "unit": UNIT, "stories": STORIES}
