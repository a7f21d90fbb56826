"""The values are held to what a MediaCluster's fields accept: a wrong one is told with its name before
anything is made."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from chart import CHART, REPOSITORY

Schema = dict[str, Any]
BOUNDS = ("type", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "maxItems", "minItems")
VALUES = {
    "signaling.tlsSecretRef": "https.secretName",
    "turn.tlsSecretRef": "https.secretName",
    "redis.secretRef": "redis.secretName",
    "database.secretRef": "database.secretName",
    "auth.apiKeysSecretRef": "auth.apiKeysSecretName",
}
"""Values by fields, where their names differ."""
STRICTER = {
    "publicURL": "its check has words of its own",
    "signaling.replicas": "0 is for who stops a cluster by hand",
    "signaling.service.type": "empty: by whether there is an Ingress",
    "turn.host": "the field has a rule where the value has a pattern",
}


def leaves(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}".removeprefix(".")
        if part.get("properties"):
            yield from leaves(part, here)
        else:
            yield here, part


def fields() -> list[tuple[str, Schema]]:
    text = (REPOSITORY / "crds" / "mediaclusters.rotunda.dev.yaml").read_text()
    schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return list(leaves(schema["properties"]["spec"]))


VALUE_SCHEMAS = dict(leaves(json.loads((CHART / "values.schema.json").read_text())))


@pytest.mark.parametrize(("field", "accepted"), fields(), ids=[name for name, _ in fields()])
def test_a_value_accepts_what_its_field_accepts(field: str, accepted: Schema) -> None:
    value = VALUE_SCHEMAS[VALUES.get(field, field)]
    bounds = {word: accepted[word] for word in BOUNDS if word in accepted}
    same = {word: value[word] for word in BOUNDS if word in value} == bounds
    assert same != (field in STRICTER), f"{field}: {value}, where the field has {bounds}"
