"""People in browsers talk through the pods of a cluster."""

import asyncio
import re

from harness.guest import SMALL_CAMERA, Guest, instrument
from kubectl import Cluster
from people import Enter, OpenTab


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
    nodes = {each["metadata"]["name"]: each["status"]["nodeName"] for each in await cluster.items("mn")}
    assert len({nodes[media_node] for media_node in placed}) == 2
    await cluster.kubectl("delete", "room", *rooms)


async def test_a_room_that_waits_for_a_node_says_so_in_the_page(cluster: Cluster, open_tab: OpenTab) -> None:
    await cluster.apply("Room", "waiting", {"placement": {"region": "nowhere"}})
    waits = await cluster.until("room", "waiting", lambda room: room["status"]["phase"] == "Pending")
    assert any(each["reason"] == "NoMediaNodeFits" for each in waits["status"]["conditions"])
    tab = await open_tab()
    await tab.add_init_script(instrument(SMALL_CAMERA, "any"))
    origin = (await cluster.get("mc", "default"))["spec"]["publicURL"]
    await tab.goto(f"{origin}/r/waiting?name=Ada&join=1&cam=1")
    ada = Guest("Ada", tab)
    state = await ada.until(lambda state: state["phase"]["name"] == "pending", "is told that the room waits")
    assert state["phase"]["reason"]
    await cluster.apply("Room", "waiting", {"placement": {"region": ""}})
    await ada.until(lambda state: state["phase"]["name"] == "joined", "joins once there is a node")
    await cluster.kubectl("delete", "room", "waiting")


async def test_helm_test_makes_a_call(cluster: Cluster) -> None:
    told = await cluster.helm("test", "rotunda", "--logs", "--timeout", "10m")
    assert re.search(r"packets of sound and \d+ of \d+ pictures \(320×180\) went through room", told)
