"""The pages, over HTTP: not of the API's document, and none changes anything when it is only looked at."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import FromPath, QueryParameter

from api.applications.employer import standing_in
from api.core.actor import public
from api.core.database import read
from api.core.problems import NotFound
from api.core.routing import Reader, Viewer, reading
from api.organisations.schemas import SLUG
from api.web.pages import answer, page
from api.web.queries import get_asked


@get("/approvals/{application_id:str}", guards=[public], opt={"any_query": True})
async def show_approval(
    request: Reader,
    viewer: Viewer,
    application_id: FromPath[str],
    company: Annotated[str | None, QueryParameter(max_length=60, pattern=SLUG)] = None,
) -> Response[str]:
    """Show what an employer is asked to agree to, to who may decide; the decision is a write of its own.

    Whoever is not signed in is shown the way to sign in, the same for every address: `company` is their company's.
    """
    language = reading(request, None)
    if viewer is None:
        return page("sign_in", language, sign_in=_sign_in(application_id, company) if company else None)
    which = _id(application_id)
    viewer = await standing_in(viewer)
    async with read(viewer) as connection:
        asked = await get_asked(connection, which, viewer)
    return page("approval", language, asked=asked)


def _id(text: str) -> UUID:
    """Read an id here, not in the path: a link that a mail cut short leads to a page too. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _sign_in(application_id: str, company: str) -> str:
    back = quote(f"/approvals/{application_id}?company={company}", safe="")
    return f"/v1/auth/companies/{company}/login?return_to={back}"


router = Router(
    "/", route_handlers=[show_approval], include_in_schema=False, exception_handlers={Exception: answer}
)
