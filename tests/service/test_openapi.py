"""The OpenAPI: the same as the file beside this one, and complete: examples, bounds, and nothing unknown let through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SNAPSHOT = Path(__file__).with_name("openapi.json")
FREE = {"put", "patch"}  # operations whose body is a thing: what it may hold depends on the collection
WRITES = "application/x-ndjson"
DATA = ("/vector[]", "/left[]{}")


@pytest.fixture(scope="module")
def schema(http):
    return http.get("/v1/openapi.json").json()


def operations(schema):
    """(operation id, what is told of it) of each."""
    return [(told["operationId"], told) for methods in schema["paths"].values() for told in methods.values()]


def test_a_change_of_the_interface_is_seen_in_review(schema):
    kept = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert schema == kept, "the interface has changed; if that is meant: python scripts/make_openapi.py, and commit the file with it"


def resolved(schema, shape):
    while reference := shape.get("$ref"):
        shape = schema["components"]["schemas"][reference.rsplit("/")[-1]]
    return shape


def alternatives(schema, shape):
    """The shapes a value can have, null left out."""
    shape = resolved(schema, shape)
    either = shape.get("anyOf") or shape.get("oneOf")
    found = [each for one in either for each in alternatives(schema, one)] if either else [shape]
    return [each for each in found if each.get("type") != "null"]


def walked(schema, shape, place):
    """Every shape inside a shape, with its place."""
    for each in alternatives(schema, shape):
        yield place, each
        for name, inner in each.get("properties", {}).items():
            yield from walked(schema, inner, f"{place}/{name}")
        if "items" in each:
            yield from walked(schema, each["items"], f"{place}[]")
        if isinstance(each.get("additionalProperties"), dict):
            yield from walked(schema, each["additionalProperties"], f"{place}{{}}")


def asked(schema):
    """Every shape that a request is made of: bodies, and parameters of path, query and head."""
    for name, told in operations(schema):
        for kind, content in told.get("requestBody", {}).get("content", {}).items():
            if name not in FREE and kind != WRITES:
                yield from walked(schema, content["schema"], name)
        for parameter in told.get("parameters", []):
            yield from walked(schema, parameter["schema"], f"{name}?{parameter['name']}")


def test_requests_let_nothing_unknown_through(schema):
    objects = [(place, shape) for place, shape in asked(schema) if shape.get("type") == "object"]
    assert len(objects) > 10
    assert [place for place, shape in objects if shape.get("additionalProperties") is not False and not keyed(shape)] == []


def keyed(shape):
    """An object by names that the caller chooses, bounded in number."""
    return isinstance(shape.get("additionalProperties"), dict) and "maxProperties" in shape


def is_bounded(shape):
    if "enum" in shape or "const" in shape:
        return True
    low, high = {"minimum", "exclusiveMinimum"} & shape.keys(), {"maximum", "exclusiveMaximum"} & shape.keys()
    bounds = {
        "string": "maxLength" in shape or "{" in shape.get("pattern", ""),
        "array": "maxItems" in shape,
        "integer": bool(low and high),
        "number": bool(low and high),
    }
    return bounds.get(shape.get("type"), True)


def test_every_limit_is_a_keyword(schema):
    """Numbers of vectors and of things may be any; all else has an end."""
    assert [place for place, shape in asked(schema) if not is_bounded(shape) and not place.endswith(DATA)] == []


def test_every_body_and_every_error_has_an_example(schema):
    missing = []
    for name, told in operations(schema):
        for kind, content in told.get("requestBody", {}).get("content", {}).items():
            shapes = [content, content["schema"], *alternatives(schema, content["schema"])]
            if not any({"example", "examples"} & shape.keys() for shape in shapes):
                missing.append(f"{name}: {kind}")
        for status, answer in told["responses"].items():
            whole = schema["components"]["responses"][answer["$ref"].rsplit("/")[-1]] if "$ref" in answer else answer
            problem = whole.get("content", {}).get("application/problem+json")
            if problem is not None and problem["example"]["status"] != int(status):
                missing.append(f"{name}: {status}")
    assert missing == []


def test_every_operation_says_what_it_answers(schema):
    for name, told in operations(schema):
        assert told["description"], name
        assert {"200", "201", "202", "204"} & told["responses"].keys(), name
        if not name.startswith(("live", "ready")):
            assert {"401", "403", "404", "422", "429", "500", "503"} <= told["responses"].keys(), name
