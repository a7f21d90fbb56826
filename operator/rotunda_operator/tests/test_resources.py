"""The models and the definitions say the same: names, types, bounds, choices and defaults."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from rotunda_contract.resources import MediaCluster, MediaNode, Room

CRDS = Path(__file__).resolve().parents[3] / "crds"
Schema = dict[str, Any]
COMPARED = (
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "pattern",
)


@pytest.mark.parametrize("model", [Room, MediaNode, MediaCluster], ids=lambda model: str(model.__name__))
@pytest.mark.parametrize("part", ["spec", "status"])
def test_a_model_and_its_definition_are_the_same(model: type[BaseModel], part: str) -> None:
    text = (CRDS / f"{model.__name__.lower()}s.rotunda.dev.yaml").read_text()
    definition = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]
    schema = model.model_json_schema(by_alias=True)
    own = _resolved(schema["properties"][part], schema["$defs"])

    assert _differences(own, definition, part, schema["$defs"]) == []


def _differences(own: Schema, definition: Schema, path: str, defs: Schema) -> list[str]:
    if definition.get("x-kubernetes-preserve-unknown-fields"):
        return []
    found = [
        f"{path}.{word}: {own.get(word)!r} here, {definition[word]!r} there"
        for word in COMPARED
        if word in definition and own.get(word) != definition[word]
    ]
    if own.get("type") != definition["type"]:
        found.append(f"{path}: {own.get('type')} here, {definition['type']} there")
    if "enum" in definition and set(own.get("enum", ())) != set(definition["enum"]):
        found.append(f"{path}: {own.get('enum')} here, {definition['enum']} there")
    if "default" in definition and definition["type"] != "object" and own["default"] != definition["default"]:
        found.append(f"{path}: default {own.get('default')!r} here, {definition['default']!r} there")
    if "items" in definition:
        found += _differences(_resolved(own["items"], defs), definition["items"], f"{path}[]", defs)
    here, there = own.get("properties", {}), definition.get("properties", {})
    found += [f"{path}.{name}: only in one of both" for name in here.keys() ^ there.keys()]
    for name in here.keys() & there.keys():
        found += _differences(_resolved(here[name], defs), there[name], f"{path}.{name}", defs)
    return found


def _resolved(schema: Schema, defs: Schema) -> Schema:
    """Without references, and without the null of what may be absent."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        schema = {**options[0], **{k: v for k, v in schema.items() if k != "anyOf"}}
    if "$ref" in schema:
        schema = {
            **defs[schema["$ref"].rsplit("/", 1)[1]],
            **{k: v for k, v in schema.items() if k != "$ref"},
        }
    return schema
