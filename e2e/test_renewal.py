"""A changed image reaches every media node: an empty one, an occupied one, one that never started."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from kubectl import PATIENCE_SECONDS, Cluster, Object
from people import Enter

EMPTY, NEVER = "renewal-empty", "renewal-never"


@pytest_asyncio.fixture
async def own_tag(cluster: Cluster) -> AsyncIterator[str]:
    """What the MediaCluster itself says of the tag (empty: the operator's own); so it is again afterwards."""
    spec = (await cluster.get("mc", "default"))["spec"]
    tag: str = spec.get("images", {}).get("tag", "")
    yield tag
    await ask(cluster, tag)
    await all_updated(cluster)


@pytest_asyncio.fixture
async def steady_fleet(cluster: Cluster) -> AsyncIterator[None]:
    """Takes the two media nodes of the story besides, and gives none away as long as it goes on."""
    spec = (await cluster.get("mc", "default"))["spec"]["mediaNodes"]
    delay = spec.get("scaling", {}).get("scaleDownDelaySeconds")
    await set_scaling(cluster, spec["max"] + 2, 3600)
    yield
    await cluster.kubectl("delete", "mn", EMPTY, NEVER, "--ignore-not-found")
    await set_scaling(cluster, spec["max"], delay)


async def set_scaling(cluster: Cluster, most: int, delay: int | None) -> None:
    spec = {"mediaNodes": {"max": most, "scaling": {"scaleDownDelaySeconds": delay}}}
    await patch_spec(cluster, spec)


@pytest.mark.usefixtures("steady_fleet")
async def test_a_changed_image_reaches_every_media_node(
    cluster: Cluster, enter: Enter, next_tag: str, own_tag: str
) -> None:
    first = await installed_tag(cluster)
    await cluster.apply("Room", "renewal", {})
    occupied = await cluster.placed("renewal")
    url = await cluster.url_of("renewal")
    ada, ben = [await enter(url, name) for name in ("Ada", "Ben")]
    await cluster.apply("MediaNode", EMPTY, {})
    await cluster.until("mn", EMPTY, lambda found: found["status"]["phase"] == "Ready")

    await ask(cluster, "never-built")
    await cluster.apply("MediaNode", NEVER, {})
    await cluster.until("mn", NEVER, lambda found: condition(found, "Ready")["reason"] == "PodNotReady")
    told = await cluster.until(
        "mc", "default", lambda found: condition(found, "Progressing")["status"] == "True"
    )
    assert told["status"]["readyMediaNodes"] >= 1, "an image that is not to be had took the whole fleet"
    assert await tag_of_node(cluster, occupied) == first

    await ask(cluster, next_tag)
    for name in (EMPTY, NEVER):
        await has_tag(cluster, name, next_tag)
        await cluster.until("mn", name, lambda found: found["status"]["phase"] == "Ready")
    held = await cluster.until("mn", occupied, lambda found: found["status"]["phase"] == "Draining")
    assert held["spec"]["cordoned"]
    assert await tag_of_node(cluster, occupied) == first
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))

    await cluster.kubectl("delete", "room", "renewal")
    await has_tag(cluster, occupied, next_tag)
    await all_updated(cluster)
    await ask(cluster, own_tag)
    await all_updated(cluster)


async def ask(cluster: Cluster, tag: str) -> None:
    await patch_spec(cluster, {"images": {"tag": tag}})


async def patch_spec(cluster: Cluster, spec: Object) -> None:
    patch = json.dumps({"spec": spec})
    await cluster.kubectl("patch", "mc", "default", "--type", "merge", "-p", patch)


async def all_updated(cluster: Cluster) -> None:
    """Media nodes that are about to go count among all of them, and not among the updated ones."""

    def holds(found: Object) -> bool:
        status = found["status"]
        current = found["metadata"]["generation"] == status["observedGeneration"]
        all_of_them = status["updatedMediaNodes"] == status["mediaNodes"]
        return bool(current and all_of_them) and condition(found, "Progressing")["status"] == "False"

    await cluster.until("mc", "default", holds)


async def has_tag(cluster: Cluster, node: str, tag: str) -> None:
    """Once the pod that the media node names is of that image."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await tag_of_node(cluster, node) != tag:  # noqa: ASYNC110 - kubectl has no event of it
            await asyncio.sleep(0.5)


async def installed_tag(cluster: Cluster) -> str:
    deployment = await cluster.get("deployment", "default-signaling")
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image.rpartition(":")[2]


async def tag_of_node(cluster: Cluster, node: str) -> str:
    """Of the image of its pod; empty while that is not made."""
    name = (await cluster.get("mn", node)).get("status", {}).get("podName", "")
    pod = await cluster.get("pod", name) if name else {}
    return str(pod["spec"]["containers"][0]["image"]).rpartition(":")[2] if pod else ""


def condition(found: Object, type: str) -> Object:
    named: list[Object] = [each for each in found["status"]["conditions"] if each["type"] == type]
    return named[0] if named else {"status": "", "reason": ""}
