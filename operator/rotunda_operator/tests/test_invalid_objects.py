"""Objects that do not match their definition: an earlier release with a looser definition has stored them."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rotunda_kube import Invalid, Key, Manifest
from rotunda_kube.resource import ROOMS
from rotunda_operator.cache import Cache
from rotunda_operator.clock import system_clock
from rotunda_operator.context import Context
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.invalid import REASON, report_invalid
from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.control_plane import REPOSITORY
from rotunda_operator.testing.stage import Object
from rotunda_operator.tests import samples

PATIENCE_SECONDS = 240.0
TOO_MANY = 20_000
ROOM_KEY = Key("calls", "standup")
LOOSE = {
    "rooms": "maxParticipants/maximum",
    "medianodes": "clusterRef/maxLength",
    "mediaclusters": "publicURL/x-kubernetes-validations",
}
"""For each definition, a rule that an earlier one did not have."""


class Writes:
    """Takes patches of a status, or refuses them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.statuses: list[Manifest] = []
        self._error = error

    async def patch(self, *args: Any, subresource: str) -> Manifest:
        assert subresource == "status"
        if self._error is not None:
            raise self._error
        self.statuses.append(args[3]["status"])
        return {}


def room(status: Manifest | None = None, **spec: Any) -> Manifest:
    metadata = {"namespace": "calls", "name": "standup", "uid": "1", "generation": 2}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


async def reported(manifest: Manifest, writes: Writes) -> Context:
    cache = Cache()
    handlers = EventHandlers(cache, system_clock, lambda *_, **__: None)
    handlers.on_room(manifest)
    made = samples.context(writes, cache)
    for invalid in cache.invalid[ROOMS].values():
        await report_invalid(made, ROOMS, *invalid)
    return made


async def test_an_invalid_object_has_a_condition_and_one_event() -> None:
    writes = Writes()
    wrong = room(maxParticipants=TOO_MANY)
    (event,) = (await reported(wrong, writes)).recorder.pending
    (status,) = writes.statuses
    (ready,) = status["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", REASON)
    assert "spec.maxParticipants" in ready["message"]
    assert event["note"] == ready["message"]

    assert not (await reported({**wrong, "status": status}, writes)).recorder.pending
    assert len(writes.statuses) == 1


async def test_an_invalid_status_is_replaced_and_a_refused_write_of_one_is_ignored() -> None:
    writes = Writes()
    await reported(room({"conditions": [{"type": "Ready"}]}), writes)
    assert [each["reason"] for each in writes.statuses[0]["conditions"]] == [REASON]

    refused = await reported(room(maxParticipants=TOO_MANY), Writes(Invalid("422")))
    assert not refused.recorder.pending


def test_an_object_that_is_valid_again_or_deleted_is_not_invalid_any_more() -> None:
    cache = Cache()
    handlers = EventHandlers(cache, system_clock, lambda *_, **__: None)
    ends: list[Callable[[], None]] = [
        lambda: handlers.on_room(room()),
        lambda: handlers.on_room_deleted(ROOM_KEY),
    ]
    for end in ends:
        handlers.on_room(room(maxParticipants=TOO_MANY))
        assert cache.invalid[ROOMS]
        end()
        assert not cache.invalid[ROOMS]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Its own, as definitions change."""
    with ControlPlane(tmp_path_factory.mktemp("own-plane")) as plane:
        yield plane


@pytest.mark.timeout(900)
def test_invalid_objects_from_before_its_start_are_reported_and_reconciled_once_valid(
    plane: ControlPlane, tmp_path: Path
) -> None:
    stage = Stage(plane, tmp_path, "stricter")
    _loosen(plane)
    _insist(stage, "Room", "large", {"maxParticipants": TOO_MANY})
    _insist(stage, "MediaNode", "strange", {"clusterRef": "c" * 64})
    _insist(stage, "MediaCluster", "default", {"publicURL": "https://ada@meet.example.org"})
    plane.kubectl("apply", "-f", str(REPOSITORY / "crds"))
    with stage:
        for kind, name, field in (
            ("room", "large", "maxParticipants"),
            ("mn", "strange", "clusterRef"),
            ("mc", "default", "publicURL"),
        ):
            found = stage.until(kind, name, lambda found: _ready(found)["reason"] == REASON)
            assert field in _ready(found)["message"]
        stage.apply("Room", "large", {"maxParticipants": 20})
        stage.until("room", "large", lambda found: _ready(found)["reason"] == "ClusterNotFound")


def _loosen(plane: ControlPlane) -> None:
    for plural, path in LOOSE.items():
        where = f"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/{path}"
        patch = json.dumps([{"op": "remove", "path": where}])
        plane.kubectl("patch", "crd", f"{plural}.rotunda.dev", "--type=json", "-p", patch)


def _insist(stage: Stage, kind: str, name: str, spec: Object) -> None:
    """Applies it. The API server takes some time to use a definition that has changed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return stage.apply(kind, name, spec)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _ready(found: Object) -> Object:
    ready: Object = next(c for c in found["status"]["conditions"] if c["type"] == "Ready")
    return ready
