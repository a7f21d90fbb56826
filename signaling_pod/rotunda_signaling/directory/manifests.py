"""Room resources from signaling's point of view: read, and made. Pure."""

from dataclasses import replace
from datetime import UTC, datetime

from rotunda_contract import resources
from rotunda_contract.ids import RoomName
from rotunda_contract.resources import MADE_ON_JOIN, MediaCluster
from rotunda_kube.resource import ROOMS, Manifest
from rotunda_signaling.directory import Room, RoomSettings, usual_access


def settings_of(room: resources.Room) -> RoomSettings:
    """What the media node and clients are told of the room."""
    spec = room.spec
    return RoomSettings(
        display_name=spec.display_name or room.metadata.name,
        max_participants=spec.max_participants,
        access=spec.access,
        video_codecs=spec.media.video_codecs,
        max_video_kbps=spec.media.max_video_kbps,
        empty_ttl=float(spec.empty_ttl_seconds),
    )


def room_of(room: resources.Room) -> Room:
    """As the API shows it."""
    metadata = room.metadata
    return Room(
        RoomName(metadata.name),
        settings_of(room),
        metadata.creation_timestamp or datetime.now(UTC),
        metadata.labels.get(MADE_ON_JOIN) == "true",
        metadata.uid,
        room.status.participants,
    )


def defaults_of(cluster: MediaCluster) -> RoomSettings:
    """What the cluster makes of a room where nobody says."""
    spec = resources.RoomSpec.model_validate(_default_spec(cluster))
    unnamed = resources.Room(metadata=resources.Metadata(name=""), spec=spec)
    return replace(settings_of(unnamed), display_name="")


def manifest_on_join(name: RoomName, cluster: MediaCluster) -> Manifest:
    """A Room made by a join: it is deleted when it has been empty for its time."""
    metadata = {
        "name": name,
        "namespace": cluster.metadata.namespace,
        "labels": {MADE_ON_JOIN: "true"},
    }
    spec = {**_default_spec(cluster), "clusterRef": cluster.metadata.name}
    return {"apiVersion": ROOMS.api_version, "kind": ROOMS.kind, "metadata": metadata, "spec": spec}


def manifest_of(
    name: RoomName, namespace: str, cluster_name: str, cluster: MediaCluster | None, settings: RoomSettings
) -> Manifest:
    """A Room that somebody asked for."""
    spec: Manifest = {
        **(_default_spec(cluster) if cluster is not None else {}),
        "clusterRef": cluster_name,
        "displayName": settings.display_name,
        "maxParticipants": settings.max_participants,
        "access": settings.access,
        "media": {"videoCodecs": list(settings.video_codecs), "maxVideoKbps": settings.max_video_kbps},
        "emptyTTLSeconds": round(settings.empty_ttl),
    }
    if spec.get("expectedParticipants", 0) > settings.max_participants:
        del spec["expectedParticipants"]  # a smaller room than usual
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": ROOMS.api_version, "kind": ROOMS.kind, "metadata": metadata, "spec": spec}


def _default_spec(cluster: MediaCluster) -> Manifest:
    """What the MediaCluster says of rooms, and what follows from its having API keys."""
    said = cluster.spec.rooms.defaults.model_dump(mode="json", by_alias=True, exclude_none=True)
    expected = cluster.spec.rooms.defaults.expected_participants
    if expected is not None and expected > resources.RoomSpec().max_participants:
        said = {"maxParticipants": expected, **said}  # who expects 60 wants 60 to come in
    return {"access": usual_access(has_keys=bool(cluster.spec.auth.api_keys_secret_ref)), **said}
