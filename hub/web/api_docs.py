"""The API's own page, drawn from its OpenAPI schema: nothing comes from elsewhere."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from hub.web.pages import ReaderDep

router = APIRouter(include_in_schema=False)

SCHEMA = "/api/openapi.json"
_METHODS = ("get", "post", "put", "patch", "delete")


def operations(schema: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Tag -> its operations, each with method, path, summary, parameters, body and answers by status."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                shown = {"method": method.upper(), "path": path, "about": operation.get("description", "")}
                shown["parameters"] = operation.get("parameters", [])
                shown["body"] = _model(operation.get("requestBody", {}))
                shown["answers"] = {status: _model(a) for status, a in operation["responses"].items()}
                found.setdefault(operation.get("tags", ["api"])[0], []).append(shown)
    return list(found.items())


def models(schema: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Model -> its fields as (name, type, what it means)."""
    return [
        (
            name,
            [
                (field, kind(about), about.get("description", ""))
                for field, about in model["properties"].items()
            ],
        )
        for name, model in sorted(schema["components"]["schemas"].items())
        if "properties" in model and "Validation" not in name
    ]


def kind(about: Mapping[str, Any]) -> str:
    """A JSON schema's type in one word or few."""
    if "$ref" in about:
        return str(about["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in about:
        return " | ".join(kind(one) for one in about["anyOf"])
    said = str(about.get("type", "any"))
    if said == "array" and "items" in about:
        return f"[{kind(about['items'])}]"
    if said == "object" and isinstance(about.get("additionalProperties"), Mapping):
        return f"{{string: {kind(about['additionalProperties'])}}}"
    return said


def _model(holder: Mapping[str, Any]) -> str:
    for media, content in holder.get("content", {}).items():
        return kind(content["schema"]) if content.get("schema") else str(media)
    return ""


@router.get("/api/docs")
async def page(reader: ReaderDep) -> Response:
    """The page."""
    schema = reader.request.app.openapi()
    about: dict[str, Any] = {"operations": operations(schema), "models": models(schema), "schema": SCHEMA}
    return reader.page("api.html", **about)


@router.get(SCHEMA)
async def schema(reader: ReaderDep) -> Response:
    """The schema itself."""
    return JSONResponse(reader.request.app.openapi())
