"""One's own data over HTTP: everything that holds a person, and being forgotten."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from api.core.actor import Actor, signed_in
from api.core.problems import NotFound, TooManyRequests
from api.core.routing import Caller, cookie
from api.identity import erasure, export
from api.identity.schemas import ExportOut
from api.identity.sessions import COOKIE
from api.organisations.members import LastOwner
from api.people.routes import get_me, update_me


@post(
    "/v1/me/export",
    operation_id="exportMyData",
    guards=[signed_in],
    status_code=202,
    raises=[TooManyRequests],
)
async def export_my_data(actor: Caller) -> ExportOut:
    """Ask for everything that Maillon holds of the caller, also after leaving a company; kept for 7 days."""
    return await export.export_my_data(actor)


@get(
    "/v1/exports/{export_id:uuid}",
    operation_id="getExport",
    guards=[signed_in],
    raises=[NotFound],
)
async def get_export(actor: Caller, export_id: FromPath[UUID]) -> ExportOut:
    """Give how an export does, and where its document is once it is ready."""
    return await export.get_export(actor, export_id)


@get(
    "/v1/exports/{export_id:uuid}/document",
    operation_id="downloadExport",
    guards=[signed_in],
    raises=[NotFound],
)
async def download_export(actor: Caller, export_id: FromPath[UUID]) -> Response[bytes]:
    """Give the document of an export, to whom it is about alone."""
    return Response(
        await export.get_document(actor, export_id),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="maillon.json"'},
    )


@delete(
    "/v1/me",
    operation_id="eraseMe",
    guards=[signed_in],
    status_code=204,
    raises=[erasure.SignInAgain, LastOwner],
)
async def erase_me(actor: Caller, request: Request[Actor, Any, State]) -> Response[None]:
    """Erase oneself for good, signed in within ten minutes; hours and ledger stay, without a name."""
    await erasure.erase_me(actor, request.auth, request.app.state.networks)
    return Response(None, status_code=204, cookies=[cookie(COOKIE, "", 0)])


# Litestar takes every method of a path from one router: those of /v1/me come together here.
router = Router(
    "/",
    route_handlers=[get_me, update_me, erase_me, export_my_data, get_export, download_export],
    tags=["people"],
)
