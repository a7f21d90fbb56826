"""Objects that are not as their definition says: stored by an earlier release, whose definition took them."""

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rotunda_kube import Invalid, Key, KubeApi, Manifest
from rotunda_kube.resource import ROOMS
from rotunda_operator.cache import World
from rotunda_operator.clock import now
from rotunda_operator.context import Context
from rotunda_operator.event_handlers import Feed
from rotunda_operator.invalid import REASON, tell_invalid
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
"""Of each definition, what an earlier one did not ask for."""


class Writes:
    """Takes patches of a status, or refuses them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[Manifest] = []
        self._error = error

    async def patch(self, *args: Any, subresource: str) -> Manifest:
        assert subresource == "status"
        if self._error is not None:
            raise self._error
        self.told.append(args[3]["status"])
        return {}


def context(writes: Writes, world: World) -> Context:
    api = cast(KubeApi, writes)
    return Context(api, world, samples.INSTALLATION, "test", now, random.Random(1))


def room(status: Manifest | None = None, **spec: Any) -> Manifest:
    metadata = {"namespace": "calls", "name": "standup", "uid": "1", "generation": 2}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


async def told_of(manifest: Manifest, writes: Writes) -> Context:
    world = World()
    feed = Feed(world, now, lambda *_, **__: None)
    feed.on_room(manifest)
    made = context(writes, world)
    for invalid in world.invalid[ROOMS].values():
        await tell_invalid(made, ROOMS, *invalid)
    return made


async def test_what_is_wrong_is_told_by_a_condition_and_one_event() -> None:
    writes = Writes()
    wrong = room(maxParticipants=TOO_MANY)
    (event,) = (await told_of(wrong, writes)).notes
    (status,) = writes.told
    (ready,) = status["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", REASON)
    assert "spec.maxParticipants" in ready["message"]
    assert event["note"] == ready["message"]

    assert not (await told_of({**wrong, "status": status}, writes)).notes
    assert len(writes.told) == 1


async def test_a_status_that_cannot_be_read_is_told_and_one_that_cannot_be_written_is_left() -> None:
    writes = Writes()
    await told_of(room({"conditions": [{"type": "Ready"}]}), writes)
    assert [each["reason"] for each in writes.told[0]["conditions"]] == [REASON]

    refused = await told_of(room(maxParticipants=TOO_MANY), Writes(Invalid("422")))
    assert not refused.notes


def test_what_is_mended_or_gone_is_forgotten() -> None:
    world = World()
    feed = Feed(world, now, lambda *_, **__: None)
    ends: list[Callable[[], None]] = [lambda: feed.on_room(room()), lambda: feed.on_room_gone(ROOM_KEY)]
    for end in ends:
        feed.on_room(room(maxParticipants=TOO_MANY))
        assert world.invalid[ROOMS]
        end()
        assert not world.invalid[ROOMS]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Its own, as definitions change."""
    with ControlPlane(tmp_path_factory.mktemp("own-plane")) as plane:
        yield plane


@pytest.mark.timeout(900)
def test_those_that_stand_when_it_starts_are_told_and_looked_at_once_they_are_mended(
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
    """Applies it; the API server takes a moment to go by a definition that has changed."""
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
