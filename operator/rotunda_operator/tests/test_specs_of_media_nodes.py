"""The objects of a MediaNode: its pod, its disruption budget, and the MediaNode itself."""

import pytest

from rotunda_operator.specs.media_node import free_names, media_node
from rotunda_operator.specs.sfu_disruption_budget import sfu_disruption_budget
from rotunda_operator.specs.sfu_pod import needs_announced_address, next_pod_name, sfu_environment, sfu_pod
from rotunda_operator.tests import samples
from rotunda_operator.tests.golden import check_golden

TEMPLATE = {
    "workers": 2,
    "resources": {"requests": {"cpu": "2", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    "nodeSelector": {"rotunda.dev/media": "true"},
    "tolerations": [{"key": "media", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {}},
}


def test_a_pod_on_the_host_network() -> None:
    cluster = samples.cluster()
    pod = sfu_pod(
        cluster, samples.media_node(), samples.PORTS, samples.INSTALLATION, name="default-media-0-1"
    )
    check_golden("sfu_pod_host_network", pod)


def test_a_pod_with_ports_mapped_from_the_host() -> None:
    network = {"mode": "HostPort", "announce": "NodeInternalIP"}
    cluster = samples.cluster(
        mediaNodes={"network": network, "template": TEMPLATE, "drainDeadlineSeconds": 60}
    )
    pod = sfu_pod(cluster, samples.media_node(), samples.PORTS, samples.PLAIN, name="default-media-0-1")
    check_golden("sfu_pod_host_port", pod)


def test_a_pod_that_announces_the_external_address_waits_for_it() -> None:
    cluster = samples.cluster(mediaNodes={"network": {"announce": "NodeExternalIP"}})
    assert needs_announced_address(cluster)
    pod = sfu_pod(
        cluster, samples.media_node(), samples.PORTS, samples.INSTALLATION, name="default-media-0-1"
    )
    check_golden("sfu_pod_external_address", pod)


@pytest.mark.parametrize("mode", ["HostNetwork", "HostPort"])
def test_an_address_for_all_is_announced_as_it_is(mode: str) -> None:
    cluster = samples.cluster(mediaNodes={"network": {"mode": mode, "announce": "203.0.113.7"}})
    found = sfu_environment(cluster, samples.media_node(), samples.PORTS, samples.PLAIN)
    assert found["ROTUNDA_SFU_ANNOUNCED_ADDRESS"] == "203.0.113.7"
    assert not needs_announced_address(cluster)


def test_every_replacement_of_a_pod_has_a_name_of_its_own() -> None:
    assert next_pod_name(samples.media_node()) == "default-media-0-1"
    assert next_pod_name(samples.media_node(status={"podName": "default-media-0-9"})) == "default-media-0-10"
    assert next_pod_name(samples.media_node(status={"podName": "made-by-hand"})) == "default-media-0-1"


def test_a_disruption_budget_open_and_closed() -> None:
    node = samples.media_node()
    closed, opened = (sfu_disruption_budget(node, closed=closed) for closed in (True, False))
    check_golden("sfu_disruption_budget", closed, opened)


def test_a_media_node_of_a_cluster() -> None:
    check_golden("media_node", media_node(samples.cluster(), "default-media-0"))


def test_the_lowest_free_names_are_taken() -> None:
    taken = {"default-media-0", "default-media-2", "by-hand"}
    assert free_names(samples.cluster(), taken, 3) == [
        "default-media-1",
        "default-media-3",
        "default-media-4",
    ]
    assert free_names(samples.cluster(), taken, 0) == []
