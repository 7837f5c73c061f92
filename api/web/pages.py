"""Pages: rendered on the server, styled and scripted from here alone, in the reader's language."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, Router
from litestar.static_files import create_static_files_router

from api.core import errors
from api.core.actor import public
from api.core.errors import explained
from api.core.language import Language
from api.core.routing import reading
from api.notifications.render import day, duration
from api.web.words import WORDS

FOLDER = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""What a page may load (CSP): its own style and script, written nowhere in it."""


def page(name: str, language: Language, status: int = 200, **values: Any) -> Response[str]:
    """Give a page; nobody keeps a copy of it, and it runs no script but ours."""
    template = _templates().get_template(f"{name}.html")
    return Response(
        template.render(values, language=language, say=lambda word, **named: say(word, language, **named)),
        status_code=status,
        media_type=MediaType.HTML,
        headers={
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Vary": "Accept-Language, Cookie",
        },
    )


def say(word: str, language: Language, **named: object) -> str:
    """Write one of the sentences of `words`, with what it names."""
    return WORDS[word].format(**named).read(language)


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """Say what went wrong on a page, by the problem that it is."""
    problem = explained(error, request.scope.get("route_handler"))
    language = reading(request, None) if "user" in request.scope else "fr"
    refused = page(
        "refused",
        language,
        problem.status,
        title=problem.title.read(language),
        detail=problem.words.read(language) if problem.words else None,
        absent=problem.status == 404,
    )
    refused.headers |= problem.headers or {}
    return refused


def answer_as_asked(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Say what went wrong on a page to a browser, which asks for one (RFC 9110 §12.5.1), else by the problem itself."""
    wanted = "text/html" in request.headers.get("accept", "")
    return answer(request, error) if wanted else errors.answer(request, error)


def assets() -> Router:
    """Serve the style and the script of the pages."""
    return create_static_files_router(
        path="/web", directories=[FOLDER / "static"], guards=[public], include_in_schema=False
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "day": day}
    return environment
