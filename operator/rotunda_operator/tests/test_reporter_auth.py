"""Who may report load."""

from pathlib import Path

import pytest

from rotunda_contract.identities import identity_of
from rotunda_operator.load.reporter_auth import may_report
from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.ports import free_network


def tls(*names: str) -> dict[str, list[bytes]]:
    return {"transport_security_type": [b"ssl"], "x509_subject_alternative_name": [n.encode() for n in names]}


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ([identity_of("media-node", "default", "calls")], True),
        (["else", identity_of("media-node", "other", "calls")], True),
        ([identity_of("media-node", "default", "elsewhere")], False),
        ([identity_of("signaling", "default", "calls")], False),
        ([identity_of("media-node", "x.y", "calls")], False),
        (["media-node.calls.rotunda.internal"], False),
        ([], False),
    ],
)
def test_a_certificate_speaks_for_media_nodes_of_its_namespace(names: list[str], allowed: bool) -> None:
    assert may_report(tls(*names), "calls") is allowed


def test_with_a_certificate_nobody_speaks_without_a_namespace() -> None:
    assert not may_report(tls(identity_of("media-node", "default", "calls")), "")


def test_without_tls_everybody_speaks() -> None:
    assert may_report({}, "calls")
    assert may_report({"transport_security_type": [b"insecure"]}, "calls")


@pytest.mark.timeout(900)
def test_a_real_media_node_reports_over_mutual_tls(control_plane: ControlPlane, tmp_path: Path) -> None:
    with Stage(control_plane, tmp_path, "stage-tls", tls="true") as stage:
        stage.process_kubelet()
        stage.apply(
            "MediaCluster",
            "default",
            {
                "mediaNodes": {"network": free_network(10)},
                "signaling": {"replicas": 0},
                "turn": {"enabled": False},
            },
        )
        # Ready: its probe is answered, and its load is known.
        stage.until("mc", "default", lambda found: found["status"]["readyMediaNodes"] == 1, 120)
        stage.apply("Room", "standup")
        assert stage.placed("standup") == "default-media-0"
