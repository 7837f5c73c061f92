"""Keys of organisations over HTTP."""

from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from api.core.actor import signed_in
from api.core.problems import Forbidden, Invalid, NotFound
from api.core.routing import Caller, created
from api.core.schemas import Page
from api.identity import api_keys
from api.identity.schemas import ApiKeyIn, ApiKeyOut, NewApiKeyOut


@post(
    "/v1/organisations/{organisation_id:uuid}/api-keys",
    operation_id="createApiKey",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid],
    answers_secret=True,
)
async def create_api_key(
    actor: Caller, organisation_id: FromPath[UUID], data: JSONBody[ApiKeyIn]
) -> Response[NewApiKeyOut]:
    """Make a key of one's association or company; its text is shown this once.

    It decides nothing for whoever made it: neither their application nor their hours.
    """
    made = await api_keys.create_api_key(actor, organisation_id, data)
    return created(made, f"/v1/organisations/{organisation_id}/api-keys")


@get(
    "/v1/organisations/{organisation_id:uuid}/api-keys",
    operation_id="listApiKeys",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_api_keys(actor: Caller, organisation_id: FromPath[UUID]) -> Page[ApiKeyOut]:
    """List an organisation's keys, to its owner or administrator."""
    return await api_keys.list_api_keys(actor, organisation_id)


@delete(
    "/v1/organisations/{organisation_id:uuid}/api-keys/{key_id:uuid}",
    operation_id="revokeApiKey",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def revoke_api_key(actor: Caller, organisation_id: FromPath[UUID], key_id: FromPath[UUID]) -> None:
    """Revoke a key at once."""
    await api_keys.revoke_api_key(actor, organisation_id, key_id)


router = Router("/", route_handlers=[create_api_key, list_api_keys, revoke_api_key], tags=["identity"])
