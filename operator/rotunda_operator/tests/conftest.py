import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from rotunda_operator.testing import ControlPlane, Stage

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def full_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One with its controllers, so that what has lost its owner is collected."""
    with ControlPlane(tmp_path_factory.mktemp("full-plane"), full=True) as plane:
        yield plane


@pytest.fixture
def stage(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    """A namespace of its own, with the operator's process at work in it."""
    with Stage(control_plane, tmp_path, f"stage-{next(_NUMBERS)}") as stage:
        yield stage
