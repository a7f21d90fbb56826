"""Three people in one room: what a call is."""

import asyncio
from collections.abc import Callable

from harness.guest import LARGE_PICTURE_SECONDS, Guest, JsonObject, Received, eventually, published

Trio = tuple[Guest, Guest, Guest]


async def test_everybody_sees_and_hears_everybody(trio: Trio) -> None:
    await asyncio.gather(
        *(one.sees_and_hears(*(other for other in trio if other is not one)) for one in trio)
    )


async def test_a_good_camera_sends_three_layers(trio: Trio) -> None:
    ada, _, _ = trio

    async def three_layers() -> list[int] | None:
        stats = await ada.tab.call("() => window.rotunda.senderStats('camera')")
        widths = [entry.get("frameWidth") for entry in stats if entry["type"] == "outbound-rtp"]
        sent = sorted(width for width in widths if width)
        return sent if sent == [240, 480, 960] else None

    await eventually(three_layers, "Ada's camera is sent in three sizes", LARGE_PICTURE_SECONDS)


async def test_the_layer_asked_for_is_the_picture_that_comes(trio: Trio) -> None:
    ada, ben, cleo = trio
    consumer_id = (await ben.sees(ada)).consumer_id
    for spatial_layer, width in ((0, 240), (2, 960), (1, 480)):
        await ben.tab.call(
            "(...layer) => window.rotunda.setPreferredLayers(...layer)", consumer_id, spatial_layer
        )
        what = f"is {width} wide"
        await ben.until_received(ada, "camera", width_is(width), what, LARGE_PICTURE_SECONDS)
    await asyncio.gather(ben.sees(ada), cleo.sees(ada))


async def test_mute_and_camera_reach_everybody(trio: Trio) -> None:
    ada, *others = trio
    for source, switch in (("microphone", "setMicrophone"), ("camera", "setCamera")):
        for on in (False, True):
            await ada.tab.call(f"(on) => window.rotunda.{switch}(on)", on)
            what = f"{source} {'on' if on else 'off'}"
            await asyncio.gather(*(one.knows(ada, source_is(source, on=on), what) for one in others))
    await asyncio.gather(*(one.sees(ada) for one in others))


async def test_a_shared_screen_comes_and_goes(trio: Trio) -> None:
    ada, ben, cleo = trio
    await ben.tab.call("() => window.rotunda.local.shareScreen()")
    await asyncio.gather(*(one.sees(ben, "screen") for one in (ada, cleo)))
    await ben.tab.call("() => window.rotunda.local.stopScreen()")
    await asyncio.gather(
        *(one.knows(ben, lambda view: published(view, "screen") is None, "no screen") for one in (ada, cleo))
    )


async def test_the_active_speaker_follows_the_voice(trio: Trio) -> None:
    await asyncio.gather(*(one.speak(0) for one in trio))
    for speaker in (*trio, trio[0]):
        await speaker.speak(0.5)
        what = f"sees {speaker.name} speak"
        await asyncio.gather(*(one.until(speaker_is(speaker), what) for one in trio))
        await speaker.speak(0)


def width_is(width: int) -> Callable[[Received], bool]:
    return lambda received: received.frame_width == width


def source_is(source: str, *, on: bool) -> Callable[[JsonObject], bool]:
    """Whether a view of somebody shows a source as on; a producer that is closed is off too."""

    def shown(view: JsonObject) -> bool:
        producer = published(view, source)
        return on == (producer is not None and not producer["paused"])

    return shown


def speaker_is(guest: Guest) -> Callable[[JsonObject], bool]:
    return lambda state: state["people"]["activeSpeaker"] == guest.participant_id
