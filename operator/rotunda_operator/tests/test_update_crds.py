"""Bringing custom resource definitions up to date, against a real API server."""

from pathlib import Path

import pytest
import yaml

from rotunda_kube import NotFound
from rotunda_operator.testing import ControlPlane
from rotunda_operator.update_crds import read, run

REPOSITORY = Path(__file__).resolve().parents[3]
GADGETS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.test.rotunda.dev}
spec:
  group: test.rotunda.dev
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {size: {type: integer}}}}
"""


def test_ours_are_read() -> None:
    names = [manifest["metadata"]["name"] for manifest in read(REPOSITORY / "crds")]
    assert names == ["mediaclusters.rotunda.dev", "medianodes.rotunda.dev", "rooms.rotunda.dev"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.txt", "", "holds no"),
        ("a.yaml", "kind: ConfigMap", "holds something else than a CustomResourceDefinition"),
        ("a.yaml", "{", "is no YAML"),
    ],
)
def test_what_is_no_definition_is_named(name: str, text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(OSError, match=complaint):
        read(tmp_path)


def test_an_older_definition_is_updated_and_a_missing_one_named(
    control_plane: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desired = tmp_path / "gadgets.yaml"
    desired.write_text(GADGETS)
    with pytest.raises(NotFound, match=r"gadgets\.test\.rotunda\.dev is missing: kubectl apply"):
        run(tmp_path, control_plane.kubeconfig)
    control_plane.kubectl("apply", "-f", str(desired))
    run(tmp_path, control_plane.kubeconfig)
    desired.write_text(GADGETS.replace("size: {type: integer}", "weight: {type: number}"))
    run(tmp_path, control_plane.kubeconfig)
    assert capsys.readouterr().out.splitlines() == [
        "gadgets.test.rotunda.dev: up to date",
        "gadgets.test.rotunda.dev: updated",
    ]
    actual = yaml.safe_load(control_plane.kubectl("get", "crd", "gadgets.test.rotunda.dev", "-o", "yaml"))
    properties = actual["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    assert set(properties) == {"weight"}
    control_plane.kubectl("delete", "crd", "gadgets.test.rotunda.dev")
