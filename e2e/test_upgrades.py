"""The chart is upgraded during a call, and uninstalled."""

import asyncio
from pathlib import Path

from harness.guest import Guest
from kubectl import Cluster, run
from people import Enter

CHART = Path(__file__).resolve().parents[1] / "charts" / "rotunda"
GENERATED = {f"rotunda-{what}" for what in ("api-keys", "database", "https", "https-ca", "redis")}


async def test_a_call_outlives_an_upgrade_to_other_images(
    cluster: Cluster, enter: Enter, next_tag: str
) -> None:
    await cluster.apply("Room", "upgrade", {})
    await cluster.placed("upgrade")
    url = await cluster.url_of("upgrade")
    ada, ben = [await enter(url, name) for name in ("Ada", "Ben")]
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    watch = asyncio.create_task(longest_gap(ben, ada))
    await cluster.helm(
        *("upgrade", "rotunda", str(CHART), "--reuse-values", "--set", f"images.tag={next_tag}"),
        *("--wait", "--timeout", "15m"),
    )
    await cluster.kubectl("rollout", "status", "deployment/rotunda-operator", "--timeout=10m")
    await cluster.until("deployment", "default-signaling", lambda each: is_rolled_out(each, next_tag))
    await asyncio.gather(ada.sees_and_hears(ben), ben.sees_and_hears(ada))
    watch.cancel()
    gap = await watch
    print(f"\nlongest time without a new frame during the upgrade: {gap:.1f} s")
    late = await enter(url, "Cleo")
    await asyncio.gather(late.sees_and_hears(ada, ben), ada.sees(late))
    await cluster.kubectl("delete", "room", "upgrade")


async def longest_gap(viewer: Guest, sender: Guest) -> float:
    """Until it is cancelled: seconds in which no new frame of the sender was decoded."""
    loop = asyncio.get_running_loop()
    last, frames, longest = loop.time(), -1, 0.0
    try:
        while True:
            seen = [one for one in await viewer.received() if one.participant_id == sender.participant_id]
            decoded = sum(one.frames_decoded for one in seen)
            if decoded != frames:
                longest = max(longest, loop.time() - last)
                last, frames = loop.time(), decoded
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return max(longest, loop.time() - last)


def is_rolled_out(deployment: dict[str, object], tag: str) -> bool:
    """Whether every pod of it runs with that tag."""
    spec, status = deployment["spec"], deployment["status"]
    assert isinstance(spec, dict)
    assert isinstance(status, dict)
    image = spec["template"]["spec"]["containers"][0]["image"]
    wanted = spec["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    return image.endswith(f":{tag}") and counts == [wanted] * 3


async def test_uninstall_leaves_what_the_notes_name(cluster: Cluster) -> None:
    """In a namespace of its own, beside the installation of the other stories."""
    other = Cluster(f"{cluster.namespace}-other")
    await run("kubectl", "create", "namespace", other.namespace)
    try:
        own = "signaling.service.type=ClusterIP,signaling.service.nodePort=0,turn.enabled=false"
        ports = "mediaNodes.min=1,mediaNodes.network.portFrom=42000,mediaNodes.network.portTo=42099"
        notes = await other.helm(
            *("install", "rotunda", str(CHART), "--values", str(CHART / "values-kind.yaml")),
            *("--set", own, "--set", ports, "--wait", "--timeout", "15m"),
        )
        await other.kubectl("wait", "mediacluster/default", "--for=condition=Ready", "--timeout=10m")
        await other.apply("Room", "kept", {})
        await other.placed("kept")
        await other.helm("uninstall", "rotunda", "--wait", "--timeout", "10m")
        await other.kubectl("wait", "pod", "--all", "--for=delete", "--timeout=10m")
        await other.until("room", "kept", lambda room: room["metadata"]["name"])
        for kind, left in (
            ("secret", {*GENERATED, "rotunda-operator-ca"}),
            ("pvc", {"data-rotunda-postgresql-0"}),
            ("deployment,statefulset,service,serviceaccount,role,rolebinding,mn,mc", {"default"}),
        ):
            await other.until_only(kind, left)
            assert all(name in notes for name in left)
    finally:
        await run("kubectl", "delete", "namespace", other.namespace, "--wait=false")
