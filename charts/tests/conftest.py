from collections.abc import Iterator

import pytest

from rotunda_operator.testing import ControlPlane


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane
