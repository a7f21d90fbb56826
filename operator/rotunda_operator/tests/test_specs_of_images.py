"""How the pods that the operator makes get their images."""

from dataclasses import replace

from rotunda_operator.settings import OperatorSettings
from rotunda_operator.specs.sfu_pod import sfu_pod
from rotunda_operator.specs.signaling import signaling_objects
from rotunda_operator.tests import samples

PRIVATE = replace(samples.INSTALLATION, pull_policy="Always", pull_secrets=("registry", "mirror"))


def test_pods_pull_with_the_credentials_of_the_installation() -> None:
    signaling = signaling_objects(samples.cluster(), PRIVATE)[4]["spec"]["template"]["spec"]
    sfu = sfu_pod(samples.cluster(), samples.media_node(), samples.PORTS, PRIVATE, name="default-media-0-1")[
        "spec"
    ]
    for pod in (signaling, sfu):
        assert pod["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]
        assert pod["containers"][0]["imagePullPolicy"] == "Always"


def test_names_are_separated_by_commas() -> None:
    assert OperatorSettings.load(image_pull_secrets="registry,mirror").image_pull_secrets == (
        "registry",
        "mirror",
    )
    assert OperatorSettings.load(image_pull_secrets="").image_pull_secrets == ()
