"""The OpenAPI of the service: what FastAPI tells of the routes, with our errors, told once, and the keys."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from nearkin.service.problems import CODES, KIND
from nearkin.service.routes import ProblemBody

KEY = {"type": "http", "scheme": "bearer", "bearerFormat": "nk_<id>_<secret>"}


def describe(app: FastAPI) -> None:
    """Put our own error into the OpenAPI, and the keys."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            parts = schema.setdefault("components", {})
            shape = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
            parts.setdefault("schemas", {}).update(shape.pop("$defs"), ProblemBody=shape)
            parts["securitySchemes"] = {"key": KEY}
            parts["responses"] = _told_once(schema["paths"])
            schema["security"] = [{"key": []}, {}]  # none is needed where there are none
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _told_once(paths: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Our errors by name, taken out of all operations, which then refer to them."""
    found: dict[str, Any] = {}
    for told in (told for methods in paths.values() for told in methods.values()):
        for status, answer in told["responses"].items():
            if list(answer.get("content", {})) == [KIND]:
                name = CODES[int(status)]
                found[name] = answer
                told["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return found
