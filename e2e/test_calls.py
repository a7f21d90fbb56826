"""People in browsers talk through the pods of a cluster."""

import asyncio

from conftest import Enter
from kubectl import Cluster


async def test_three_people_talk_at_the_url_that_kubectl_prints(cluster: Cluster, enter: Enter) -> None:
    await cluster.apply("Room", "three", {"displayName": "Three"})
    await cluster.placed("three")
    url = await cluster.url_of("three")
    assert url.startswith("https://")
    ada, ben, cleo = [await enter(url, name) for name in ("Ada", "Ben", "Cleo")]
    await asyncio.gather(
        ada.sees_and_hears(ben, cleo), ben.sees_and_hears(ada, cleo), cleo.sees_and_hears(ada, ben)
    )
    told = await cluster.until("room", "three", lambda room: room["status"]["participants"] == 3)
    assert told["status"]["phase"] == "Active"
    await cluster.kubectl("delete", "room", "three")


async def test_rooms_spread_over_two_kubernetes_nodes_by_load(cluster: Cluster) -> None:
    rooms = [f"spread-{number}" for number in range(4)]
    for room in rooms:
        await cluster.apply("Room", room, {"expectedParticipants": 8})
    placed = [await cluster.placed(room) for room in rooms]
    assert len(set(placed)) == 2
    nodes = {each["metadata"]["name"]: each["status"]["nodeName"] for each in await cluster.items("mn")}
    assert len({nodes[media_node] for media_node in placed}) == 2
    await cluster.kubectl("delete", "room", *rooms)


async def test_helm_test_makes_a_call(cluster: Cluster) -> None:
    told = await cluster.helm("test", "rotunda", "--logs", "--timeout", "10m")
    assert "packets went through room" in told
