"""What is left out when a room is made is as in rooms that are made on join."""

from rotunda_signaling.testing import MakeStage


async def test_a_room_has_the_settings_defaults_where_nobody_says(make_stage: MakeStage) -> None:
    stage = await make_stage(max_participants=7, empty_ttl=12.5)
    async with stage.http() as http:
        made = (await http.post("/api/v1/rooms", json={"name": "a", "maxVideoKbps": 900})).json()
    assert (made["maxParticipants"], made["emptyTtlSeconds"], made["maxVideoKbps"]) == (7, 12.5, 900)
