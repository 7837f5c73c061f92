"""The OpenAPI document: what Litestar leaves out is added here, once."""

from collections import defaultdict
from functools import cache
from importlib import resources
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec
import swagger_ui
from litestar import Litestar, Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.serialization import encode_json
from litestar.static_files import create_static_files_router
from msgspec import Struct

from api.core import problems
from api.core.actor import public
from api.core.idempotency import InFlight, KeyReused, takes_key
from api.core.parameters import query_fields
from api.core.problems import Problem
from api.core.requests import strictly
from api.core.schemas import In, Out

VERSION = "0.1.0"
ASSETS = Path(swagger_ui.__file__).parent / "static"
FAVICON = '<link rel="icon" href="data:,">'
PROBLEM = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457), in French or English.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "Which problem: see openapi/problems.md."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) to the fault."},
                    "code": {"type": "string", "description": "Never translated."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def config() -> OpenAPIConfig:
    """Describe the API, its document at /openapi.json and its reference at /docs, served from here alone."""
    bearer = SecurityScheme(
        type="http",
        scheme="bearer",
        description="A session token, or a JWT of the company's own identity provider.",
    )
    return OpenAPIConfig(
        title="Maillon",
        version=VERSION,
        description="The open marketplace and ledger of skills volunteering.",
        openapi_router=Router(
            "/docs", route_handlers=[], guards=[public], include_in_schema=False, before_request=_only_pages
        ),
        use_handler_docstrings=True,
        components=Components(security_schemes={"bearer": bearer}),
        render_plugins=[
            _Document(path="/openapi.json"),
            _Reference(
                path="/",
                js_url="/docs/assets/swagger-ui-bundle.js",
                css_url="/docs/assets/swagger-ui.css",
                standalone_preset_js_url="/docs/assets/swagger-ui-standalone-preset.js",
                favicon=FAVICON,
            ),
        ],
    )


async def _only_pages(request: Request[Any, Any, Any]) -> Response[None] | None:
    if "path" in request.path_params:  # Litestar's catch-all, a page of its own
        raise problems.NotFound
    return await strictly(request)


class _Document(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, document(request.app))


class _Reference(SwaggerRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, document(request.app))


def assets() -> Router:
    """Serve the reference page's files from the package that ships them."""
    return create_static_files_router(
        path="/docs/assets", directories=[ASSETS], guards=[public], include_in_schema=False
    )


@get("/openapi.json", guards=[public], include_in_schema=False, media_type="application/json")
async def get_document(request: Request[Any, Any, Any]) -> bytes:
    """Give the finished OpenAPI document."""
    return encode_json(document(request.app))


@cache
def document(app: Litestar) -> dict[str, Any]:
    """Give the finished OpenAPI document."""
    written: dict[str, Any] = app.openapi_schema.to_schema()
    written["components"]["schemas"]["Problem"] = PROBLEM
    examples = written["components"].setdefault("examples", {})
    _close_bodies(written)
    _tell(written["components"]["schemas"], In, Out)
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and handler.resolve_include_in_schema():
                for method in handler.http_methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
                    operation = written["paths"][route.path_format][method.lower()]
                    _describe(operation, handler, examples)
                    _illustrate(operation)
    # Litestar gives the handlers of a path in no order.
    written["components"]["examples"] = dict(sorted(examples.items()))
    return written


@cache
def body_examples() -> dict[str, Any]:
    """Give a real body for each operation that takes one, by operationId."""
    text = (resources.files("api.core") / "examples.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Any])


def _illustrate(operation: dict[str, Any]) -> None:
    if body := operation.get("requestBody"):
        body["content"]["application/json"]["example"] = body_examples()[operation["operationId"]]


def _close_bodies(written: dict[str, Any]) -> None:
    """Say in the document that unknown fields of a body are refused."""
    schemas = written["components"]["schemas"]
    waiting = [
        operation["requestBody"]
        for path in written["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            schema = schemas.get(str(node.get("$ref", "")).removeprefix("#/components/schemas/"))
            if schema and "additionalProperties" not in schema and "properties" in schema:
                schema["additionalProperties"] = False
                waiting.append(schema)
            waiting += node.values()


def _tell(schemas: dict[str, Any], *shapes: type[Struct]) -> None:
    """Say of each shape what its docstring does, and the bounds of nought; Litestar leaves them out."""
    for shape in shapes:
        if shape.__doc__ and shape.__name__ in schemas:
            schemas[shape.__name__]["description"] = cleandoc(shape.__doc__)
            if issubclass(shape, In):
                _bound(schemas[shape.__name__].get("properties", {}), shape)
        _tell(schemas, *shape.__subclasses__())


def _bound(properties: dict[str, Any], shape: type[Struct]) -> None:
    _, components = msgspec.json.schema_components([shape])
    for name, told in components[shape.__name__]["properties"].items():
        for kind in (told, *told.get("anyOf", [])):
            if kind.get("minimum") == 0:
                properties[name].setdefault("minimum", 0)


def _describe(operation: dict[str, Any], handler: HTTPRouteHandler, examples: dict[str, Any]) -> None:
    """List every problem an operation may answer, by status, and who may call it."""
    by_status: dict[int, list[Any]] = defaultdict(list)
    listed: Any = handler.raises or ()
    for problem in {*listed, *_common(handler)}:
        by_status[problem.status].append(problem)
    for status in [status for status in operation["responses"] if status >= "400"]:
        del operation["responses"][status]  # Litestar's, of a shape that is never answered
    for status, kinds in sorted(by_status.items()):
        named = sorted(kinds, key=lambda kind: kind.slug)
        examples |= {kind.slug: {"value": kind().document("en")} for kind in named}
        operation["responses"][str(status)] = {
            "description": "; ".join(f"`/problems/{kind.slug}`: {kind.title.en}" for kind in named),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.slug: {"$ref": f"#/components/examples/{kind.slug}"} for kind in named},
                }
            },
        }
    if headers := _headers(handler):
        operation["parameters"] = [*operation.get("parameters", []), *headers]
    if public not in handler.resolve_guards():
        operation["security"] = [{"bearer": []}]


def _common(handler: HTTPRouteHandler) -> set[type[Problem]]:
    """Give the problems that come from what an operation takes, whatever it does."""
    kinds: set[type[Problem]] = {problems.Unavailable, problems.Invalid, problems.Unexpected}
    if not handler.opt.get("probe"):
        kinds |= {problems.Unauthenticated, problems.TooManyRequests}
    if "GET" not in handler.http_methods:
        kinds |= {problems.Malformed, problems.TooLarge, problems.UnsupportedMedia}
    if query_fields(handler):
        kinds.add(problems.Malformed)
    if public not in handler.resolve_guards():
        kinds.add(problems.Forbidden)
    if takes_key(handler):
        kinds |= {KeyReused, InFlight}
    return kinds


def _headers(handler: HTTPRouteHandler) -> list[dict[str, Any]]:
    """Describe the headers that the core reads for every handler alike."""
    named = handler.parsed_fn_signature.parameters
    headers = []
    if "edited" in named or "asked" in named:
        said = "The ETag of the version edited." if "edited" in named else "Only where this is the version."
        headers.append(_header("If-Match", said, required="edited" in named))
    if takes_key(handler):
        said = "Asked again with it within 24 hours, the answer is the same and the work is done once."
        headers.append(_header("Idempotency-Key", said))
    return headers


def _header(name: str, said: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": said,
        "schema": {"type": "string", "maxLength": 255},
    }
