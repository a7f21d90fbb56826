"""What is left out when a room is made is as in rooms that are made on join."""

from pathlib import Path

import pytest

from rotunda_contract.ids import RoomName
from rotunda_contract.resources import MediaCluster
from rotunda_signaling.auth.testing import KEY, api_token, token
from rotunda_signaling.directory import Access, RoomSettings
from rotunda_signaling.directory.manifests import defaults_of, manifest_of, manifest_on_join
from rotunda_signaling.testing import MakeStage


async def test_a_room_has_the_settings_defaults_where_nobody_says(make_stage: MakeStage) -> None:
    stage = await make_stage(max_participants=7, empty_ttl=12.5)
    async with stage.http() as http:
        made = (await http.post("/api/v1/rooms", json={"name": "a", "maxVideoKbps": 900})).json()
    assert (made["maxParticipants"], made["emptyTtlSeconds"], made["maxVideoKbps"]) == (7, 12.5, 900)
    assert made["access"] == "Open"


async def test_a_signed_link_opens_no_room_to_all(make_stage: MakeStage, tmp_path: Path) -> None:
    (tmp_path / KEY.id).write_bytes(KEY.secret)
    stage = await make_stage(api_keys_directory=tmp_path)
    await (await stage.guest(auth={"token": token()})).join()
    stranger = await (await stage.guest()).ask("join", {"room": "standup", "displayName": "Eve"})
    assert stranger["error"]["code"] == "unauthorized"
    async with stage.http(headers={"Authorization": f"Bearer {api_token()}"}) as http:
        read = await http.get("/api/v1/rooms/standup")
        made = await http.post("/api/v1/rooms", json={"name": "another"})
    assert (read.json()["access"], made.json()["access"]) == ("Token", "Token")


def test_a_cluster_that_expects_many_lets_as_many_in() -> None:
    spec = {"rooms": {"defaults": {"expectedParticipants": 60}}}
    cluster = MediaCluster.model_validate(
        {"metadata": {"name": "default", "namespace": "meet"}, "spec": spec}
    )
    made = manifest_on_join(RoomName("a"), cluster)["spec"]
    assert (made["expectedParticipants"], made["maxParticipants"]) == (60, 60)
    assert defaults_of(cluster).max_participants == 60
    asked = manifest_of(RoomName("a"), "meet", "default", cluster, RoomSettings(max_participants=8))["spec"]
    assert ("expectedParticipants" in asked, asked["maxParticipants"]) == (False, 8)


@pytest.mark.parametrize(
    ("spec", "access"),
    [
        ({}, "Open"),
        ({"auth": {"apiKeysSecretRef": "keys"}}, "Token"),
        ({"auth": {"apiKeysSecretRef": "keys"}, "rooms": {"defaults": {"access": "Open"}}}, "Open"),
        ({"rooms": {"defaults": {"access": "Token"}}}, "Token"),
    ],
)
def test_in_a_cluster_with_keys_rooms_take_a_token_too(spec: dict[str, object], access: Access) -> None:
    cluster = MediaCluster.model_validate(
        {"metadata": {"name": "default", "namespace": "meet"}, "spec": spec}
    )
    assert manifest_on_join(RoomName("a"), cluster)["spec"]["access"] == access
    assert defaults_of(cluster).access == access
