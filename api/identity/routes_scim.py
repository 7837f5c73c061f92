"""Companies' directories over HTTP: their tokens, and the SCIM endpoints that the tokens open."""

from typing import Any
from uuid import UUID

from litestar import Response, Router, asgi, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import Receive, Scope, Send

from api.core.actor import public, signed_in
from api.core.problems import Forbidden, Invalid, NotFound
from api.core.routing import Caller, created
from api.core.schemas import Page
from api.identity import scim_tokens
from api.identity.schemas import NewScimTokenOut, ScimTokenIn, ScimTokenOut
from api.identity.scim.application import BASE, serve


@post(
    "/v1/companies/{company_id:uuid}/scim-tokens",
    operation_id="createScimToken",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid, scim_tokens.TwoTokensLive],
    answers_secret=True,
)
async def create_scim_token(
    actor: Caller, company_id: FromPath[UUID], data: JSONBody[ScimTokenIn]
) -> Response[NewScimTokenOut]:
    """Make a token for the company's directory (SCIM 2.0); its text is shown this once, two may live at a time."""
    made = await scim_tokens.create_scim_token(actor, company_id, data)
    return created(made, f"/v1/companies/{company_id}/scim-tokens")


@get(
    "/v1/companies/{company_id:uuid}/scim-tokens",
    operation_id="listScimTokens",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_scim_tokens(actor: Caller, company_id: FromPath[UUID]) -> Page[ScimTokenOut]:
    """List the tokens of the company's directory, to its administrators."""
    return await scim_tokens.list_scim_tokens(actor, company_id)


@delete(
    "/v1/companies/{company_id:uuid}/scim-tokens/{token_id:uuid}",
    operation_id="revokeScimToken",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def revoke_scim_token(actor: Caller, company_id: FromPath[UUID], token_id: FromPath[UUID]) -> None:
    """Revoke a directory's token at once."""
    await scim_tokens.revoke_scim_token(actor, company_id, token_id)


@asgi(BASE, is_mount=True, copy_scope=False, guards=[public], exclude_from_auth=True)
async def directory(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve SCIM 2.0, whose own tokens, media type and errors it has (RFC 7644)."""
    described: Any = scope
    described["path_template"] = BASE
    await serve(described, receive, send)


router = Router(
    "/",
    route_handlers=[create_scim_token, list_scim_tokens, revoke_scim_token, directory],
    tags=["organisations"],
)
