"""What route files share: path and query parameters, problems in the documentation, conditional writes."""

from typing import Annotated, Any, TypeVar

from litestar import Request, Response
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from api.core.actor import Actor
from api.core.etag import Answer, asked_version, edited_version
from api.core.language import Language, preferred

T = TypeVar("T")

Caller = NamedDependency[Actor]
"""The signed-in caller: the route's guard has let nobody else in."""
Viewer = NamedDependency[Actor | None]
"""Whoever asks, None when anonymous."""
EditedVersion = NamedDependency[int]
"""The version an edit names (If-Match, mandatory)."""
AskedVersion = NamedDependency[int | None]
"""The version an act names (If-Match, optional)."""
Reader = Request[Actor | None, None, State]
"""The request itself, for what its reader's language decides."""
AskedLanguage = Annotated[
    Language | None,
    QueryParameter(
        description="The language of the texts; else that of Accept-Language, the person's, French."
    ),
]


def caller(request: Request[Any, Any, State]) -> Any:
    """Give who is signed in; the route's guard has refused anybody else."""
    return request.user


def viewer(request: Request[Any, Any, State]) -> Any:
    """Give who is signed in, or None."""
    return request.user


DEPENDENCIES = {
    "actor": Provide(caller, sync_to_thread=False),
    "viewer": Provide(viewer, sync_to_thread=False),
    "edited": Provide(edited_version, sync_to_thread=False),
    "asked": Provide(asked_version, sync_to_thread=False),
}


def cookie(name: str, value: str, seconds: int) -> Cookie:
    """Make a cookie for our own pages alone: no script reads it, no other site's write carries it (RFC 6265bis)."""
    return Cookie(name, value=value, max_age=seconds, secure=True, httponly=True, samesite="lax")


def created(content: T, location: str) -> Response[T]:
    """Answer 201 with where the new object is."""
    return Answer(content, status_code=201, headers={"Location": location})


def reading(request: Reader, lang: Language | None) -> Language:
    """Give the language to answer in: `lang`, else that of Accept-Language, else the person's, else French."""
    fallback: Language = request.user.language if request.user else "fr"
    return lang or preferred(request.headers.get("accept-language", ""), fallback)
