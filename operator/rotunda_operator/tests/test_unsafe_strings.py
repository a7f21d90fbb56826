"""Strings of resources that end in a file, a URL or an argument.

They are refused by the API server, by the models, and by the builders where both were passed by."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from rotunda_contract.resources import MediaClusterSpec
from rotunda_kube import Key, Manifest
from rotunda_operator.cache import Cache
from rotunda_operator.clock import system_clock
from rotunda_operator.clusters.desired import desired_objects
from rotunda_operator.clusters.reconcile import reconcile_cluster
from rotunda_operator.clusters.secrets import keep_or_create
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.specs.invalid import InvalidSpec
from rotunda_operator.testing import ControlPlane
from rotunda_operator.tests import samples

Spec = dict[str, Any]

WRONG: list[Spec] = [
    *(
        {"turn": {"host": host}}
        for host in ("a\nallow-loopback-peers", "a b", "a\r", "a:3478", "turn:a", "a/b", "[::1]", ":::")
    ),
    *(
        {"publicURL": f"https://{rest}"}
        for rest in (
            "user@meet.example.org",
            "user:secret@meet.example.org",
            "meet.example.org:99999",
            "meet.example.org:0",
            'meet.example.org"',
            "meet.example.org'",
            "meet.example.org\nno-auth",
            "meet example.org",
            "meet.example.org/rooms",
            "-meet.example.org",
            "",
        )
    ),
    {"publicURL": "javascript://meet"},
    *(
        {"images": {"registry": it}}
        for it in ("https://r.example.org", "r.example.org/", "r/UP", "r x", "r\n", "r:99999/a")
    ),
    *({"images": {"tag": tag}} for tag in ("-a", "a b", "a/b", "a:b", "a\n", "é")),
    *(
        {"mediaNodes": {"network": {"announce": it}}}
        for it in ("0.0.0.0", "::", "1.2.3.4\n", "1.2.3.4:5", "name")
    ),
    *({part: {"secretRef": "a/b"}} for part in ("redis", "database")),
    *({part: {"tlsSecretRef": "A\nb"}} for part in ("signaling", "turn")),
    {"auth": {"apiKeysSecretRef": "../keys"}},
]
SERVER_ONLY: list[tuple[str, Spec]] = [
    ("MediaCluster", {"mediaNodes": {"template": {"resources": {"requests": {"cpu": "two"}}}}}),
    ("MediaCluster", {"mediaNodes": {"template": {"resources": {"limits": "much"}}}}),
    ("MediaCluster", {"mediaNodes": {"template": {"nodeSelector": {"a b": "c"}}}}),
    ("MediaCluster", {"mediaNodes": {"template": {"nodeSelector": {"a": "b c"}}}}),
    *(("Room", {"displayName": f"a{sign}b"}) for sign in ("\x1b", "\n", "\x7f", "\u202e", "\u2066", "\x85")),
    ("Room", {"placement": {"region": "e u"}}),
    ("Room", {"placement": {"pinTo": "A\nb"}}),
]
RIGHT: list[Spec] = [
    *(
        {"turn": {"host": host}}
        for host in ("", "turn.example.org", "198.51.100.7", "2001:db8::7", "T-1.example")
    ),
    *(
        {"publicURL": url}
        for url in (
            "",
            "https://meet.example.org",
            "http://127.0.0.1:65535",
            "https://[2001:db8::7]:8443",
            "http://m",
        )
    ),
    *(
        {"images": {"registry": it}}
        for it in ("", "r", "localhost:5000", "r.example.org:5000/a/b-c_d.e", "[::1]:5000/a")
    ),
    *({"images": {"tag": tag}} for tag in ("", "1.2.3", "v1_2-rc.1", "_x")),
    *(
        {"mediaNodes": {"network": {"announce": it}}}
        for it in ("203.0.113.7", "2001:db8::7", "NodeExternalIP")
    ),
    {"redis": {"secretRef": "chat.redis-1"}, "turn": {"tlsSecretRef": "tls"}},
    {
        "mediaNodes": {
            "template": {"resources": {"requests": {"cpu": 2, "memory": "1.5Gi"}, "limits": {"cpu": "2500m"}}}
        }
    },
    {"mediaNodes": {"template": {"nodeSelector": {"rotunda.dev/media": "true", "empty": ""}}}},
]


@pytest.mark.parametrize("spec", WRONG, ids=str)
def test_models_refuse_them(spec: Spec) -> None:
    with pytest.raises(ValidationError):
        MediaClusterSpec.model_validate(spec)


@pytest.mark.parametrize("spec", RIGHT, ids=str)
def test_models_take_what_is_right(spec: Spec) -> None:
    MediaClusterSpec.model_validate(spec)


def test_the_api_server_refuses_the_same_and_takes_the_same(control_plane: ControlPlane) -> None:
    wrong = [("MediaCluster", spec) for spec in WRONG] + SERVER_ONLY
    right = [("MediaCluster", spec) for spec in RIGHT] + [("Room", {"displayName": "Büro «Ост» 会議 😀"})]
    taken = [case for case in wrong if _applied(control_plane, *case)]
    refused = [case for case in right if not _applied(control_plane, *case)]
    assert (taken, refused) == ([], [])


def _applied(plane: ControlPlane, kind: str, spec: Spec) -> bool:
    manifest = {"apiVersion": "rotunda.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    answer = plane.kubectl(
        "create", "--dry-run=server", "-f", "-", "-o", "name", stdin=yaml.safe_dump(manifest), check=False
    )
    assert "invalid" in answer.lower() or answer.strip().endswith("/x"), answer
    return answer.strip().endswith("/x")


@pytest.mark.parametrize("line", ["a\nallow-loopback-peers", "a b", "a\r", "a\x00", "ä"])
def test_builders_write_no_second_line(line: str) -> None:
    cluster = samples.cluster()
    turn = cluster.spec.turn.model_copy(update={"host": line})
    passed_by = cluster.model_copy(update={"spec": cluster.spec.model_copy(update={"turn": turn})})
    made = keep_or_create(cluster, {}, None, system_clock().wall)
    with pytest.raises(InvalidSpec, match="cannot be written"):
        desired_objects(passed_by, samples.INSTALLATION, made)
    with pytest.raises(InvalidSpec, match="cannot be written"):
        desired_objects(cluster, samples.INSTALLATION, made, urls=[f"turn:{line}:3478"])


class OlderDefinitions:
    """An API server that has let through what the models refuse."""

    def __init__(self, spec: Spec) -> None:
        self.written: list[Manifest] = []
        metadata = {"name": "meet", "namespace": "calls", "uid": "1", "generation": 4, "resourceVersion": "9"}
        self.cluster: Manifest = {"metadata": metadata, "spec": spec}

    async def get(self, *_: object) -> Manifest:
        return self.cluster

    async def patch(self, *where: Any, subresource: str) -> Manifest:
        assert subresource == "status"
        self.written.append(where[-1])
        self.cluster = {**self.cluster, **where[-1]}
        return self.cluster


async def test_an_invalid_spec_is_written_into_the_status_once() -> None:
    api = OlderDefinitions({"turn": {"host": "a\nallow-loopback-peers"}})
    cache = Cache()
    context = samples.context(api, cache)
    handlers = EventHandlers(cache, system_clock, lambda *_, **__: None)
    for _ in range(2):
        assert await reconcile_cluster(context, handlers, Key("calls", "meet")) is None
    (written,) = api.written
    (ready,) = written["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "InvalidSpec")
    assert "spec.turn.host" in ready["message"]
    assert "\n" not in ready["message"]
    assert len(context.recorder.pending) == 1
