"""Comparing actual and desired objects."""

from copy import deepcopy
from typing import Any

import pytest

from rotunda_kube import Manifest
from rotunda_operator.owned.compare import FORMER_MANAGER, MANAGER, compare, repair
from rotunda_operator.owned.fields import Fields, has_more_than, part, united, without

SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "meet", "labels": {"app": "meet"}},
    "spec": {"type": "ClusterIP", "selector": {"app": "meet"}, "ports": [{"name": "http", "port": 80}]},
}


def actual(*managed: Manifest, **spec: Any) -> Manifest:
    """The actual Service, with the defaults of the API server."""
    found = deepcopy(SERVICE)
    found["metadata"] |= {"uid": "1", "managedFields": list(managed)}
    found["spec"] |= {"clusterIP": "10.0.0.1", **spec}
    return found


def entry(manager: str, fields: Fields, operation: str = "Update", **more: str) -> Manifest:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


OURS = entry(
    MANAGER,
    {
        "f:metadata": {"f:labels": {"f:app": {}}},
        "f:spec": {"f:type": {}, "f:selector": {}, "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}}}},
    },
    "Apply",
)


def test_what_the_api_server_and_others_added_elsewhere_is_no_difference() -> None:
    annotated = entry("argocd", {"f:metadata": {"f:annotations": {"f:x": {}}}})
    balancer = entry("cloud", {"f:spec": {"f:selector": {}}, "f:status": {}}, subresource="status")
    knob = entry("kubectl-edit", {"f:spec": {"f:externalTrafficPolicy": {}}})
    assert not compare(SERVICE, actual(OURS, annotated, balancer, knob, externalTrafficPolicy="Local"))


def test_a_key_that_somebody_added_to_a_selector_is_removed() -> None:
    found = actual(OURS, selector={"app": "meet", "track": "beta"})
    assert compare(SERVICE, found)
    assert repair(SERVICE, found) == {"spec": {"selector": {"track": None}}}


def test_a_port_that_somebody_added_is_taken_over_and_removed() -> None:
    theirs = entry("kubectl-edit", {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}}}}})
    difference = compare(SERVICE, actual(OURS, theirs))
    assert difference.managed is not None
    (ours,) = difference.managed
    assert (ours["manager"], ours["operation"]) == (MANAGER, "Apply")
    assert set(ours["fieldsV1"]["f:spec"]["f:ports"]) == {
        'k:{"port":80,"protocol":"TCP"}',
        'k:{"port":81,"protocol":"TCP"}',
    }


def test_what_the_operator_set_before_it_had_a_name_is_taken_over() -> None:
    former = entry(
        FORMER_MANAGER,
        {"f:metadata": {"f:labels": {"f:app": {}, "f:old": {}}}, "f:spec": {"f:sessionAffinity": {}}},
    )
    theirs = entry("argocd", {"f:metadata": {"f:annotations": {"f:x": {}}}})
    difference = compare(SERVICE, actual(former, theirs))
    assert difference.managed is not None
    kept, ours = difference.managed
    assert kept == theirs
    assert ours["fieldsV1"] == former["fieldsV1"]
    assert ours["apiVersion"] == "v1"


def test_a_key_that_the_builder_has_no_more_is_a_difference() -> None:
    with_old = deepcopy(OURS)
    with_old["fieldsV1"]["f:metadata"]["f:labels"]["f:old"] = {}
    difference = compare(SERVICE, actual(with_old))
    assert difference
    assert difference.managed is None, "the apply alone takes it away"


def test_who_restarts_a_rollout_is_not_undone() -> None:
    deployment: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "meet"},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "meet"}}}},
    }
    restarted: Fields = {
        "f:spec": {"f:template": {"f:metadata": {"f:annotations": {".": {}, "f:restartedAt": {}}}}}
    }
    found = deepcopy(deployment)
    found["metadata"]["managedFields"] = [entry("kubectl-rollout", restarted)]
    found["spec"]["template"]["metadata"]["annotations"] = {"restartedAt": "now"}
    assert not compare(deployment, found)

    paused = entry("kubectl-edit", {"f:spec": {"f:paused": {}}})
    found["metadata"]["managedFields"].append(paused)
    assert compare(deployment, found).managed is not None


@pytest.mark.parametrize(
    ("desired", "actual", "patch"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, {}),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 2}}, {"a": {"b": 1}}),
        ({"a": [{"n": 1}]}, {"a": [{"n": 1, "m": 2}]}, {}),
        ({"a": [{"n": 1}]}, {"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}]}),
        ({"a": {}, "b": [], "c": ""}, {}, {}),
        ({"a": False, "n": 0}, {"a": True, "n": 1}, {"a": False, "n": 0}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": {"b": 1}}),
    ],
)
def test_what_is_missing(desired: Manifest, actual: Manifest, patch: Manifest) -> None:
    assert repair({"kind": "Role", **desired}, {"kind": "Role", **actual}) == patch


def test_sets_of_fields() -> None:
    fields = {"f:a": {".": {}, "f:b": {}, 'k:{"n":1}': {"f:n": {}}}, "f:c": {'v:"x"': {}, "i:0": {}}}
    assert part(fields, ("a", "b")) == {"f:a": {"f:b": {}}}
    assert part(fields, ("z",)) == {}
    assert without(fields, ("a",)) == {"f:c": {'v:"x"': {}, "i:0": {}}}
    assert without({"f:a": {".": {}, "f:b": {}}}, ("a", "b")) == {}
    assert united({"f:a": {"f:b": {}}}, {"f:a": {"f:d": {}}}) == {"f:a": {"f:b": {}, "f:d": {}}}
    assert not has_more_than({"f:c": {'v:"x"': {}, "i:0": {}}}, {"c": ["x"]})
    assert has_more_than({"f:c": {'v:"y"': {}}}, {"c": ["x"]})
    assert has_more_than({"f:c": {"i:1": {}}}, {"c": ["x"]})
    assert has_more_than({"f:c": {"f:d": {}}}, {"c": "text"})
    assert not has_more_than({"f:c": {'k:{"n":1,"protocol":"TCP"}': {".": {}}}}, {"c": [{"n": 1}]})
