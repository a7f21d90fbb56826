"""The JSON Schema of the Socket.IO contract, from which other languages take their types.

    python -m rotunda_contract.schema [--check]

writes contract/schema/signaling.schema.json, or with --check fails where it is stale. Every model is
a named definition; the root's `requests`, `answers` and `events` map each name to its definition.
Optional fields are absent, never null, so null appears only where it says something.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rotunda_contract.signaling import EVENTS, EXCHANGES
from rotunda_contract.signaling.answers import ErrorAnswer

TARGET = Path(__file__).resolve().parent.parent / "schema" / "signaling.schema.json"


def signaling_schema() -> dict[str, Any]:
    """The whole contract as one JSON Schema (draft 2020-12)."""
    maps = {
        "requests": {name: exchange.request for name, exchange in EXCHANGES.items()},
        "answers": {name: exchange.answer for name, exchange in EXCHANGES.items()},
        "events": dict(EVENTS),
    }
    models = _distinct([model for group in maps.values() for model in group.values()] + [ErrorAnswer])
    _, generated = models_json_schema(
        [(model, "validation") for model in models], by_alias=True, ref_template="#/$defs/{model}"
    )
    definitions = generated["$defs"]
    for definition in definitions.values():
        _null_means_absent(definition)
        _drop_titles(definition)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SignalingContract",
        "description": "Requests, their answers and events between a client and signaling.",
        **_object({name: _references(group) for name, group in maps.items()}),
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def render() -> str:
    """The file's text."""
    return json.dumps(signaling_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Writes the file, or with --check tells by the exit status whether it is fresh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    if parser.parse_args(arguments).check:
        if TARGET.exists() and TARGET.read_text(encoding="utf-8") == render():
            return 0
        print(f"{TARGET} is stale: run python -m rotunda_contract.schema", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
    return 0


def _distinct(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    return list(dict.fromkeys(models))


def _references(models: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    return _object({name: {"$ref": f"#/$defs/{model.__name__}"} for name, model in models.items()})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _null_means_absent(definition: dict[str, Any]) -> None:
    """Drops null from what need not be there at all; pydantic cannot know that nobody sends it."""
    required = definition.get("required", ())
    for name, field in definition.get("properties", {}).items():
        if name in required:
            field.pop("default", None)
            continue
        if field.get("default", ...) is None:
            del field["default"]
        options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
        if len(options) == 1:
            del field["anyOf"]
            field.update(options[0])
        elif options:
            field["anyOf"] = options


def _drop_titles(node: Any) -> None:
    """Titles repeat the field's name, and generators of types take them for names of types."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _drop_titles(child)
    elif isinstance(node, list):
        for child in node:
            _drop_titles(child)


if __name__ == "__main__":
    sys.exit(main())
