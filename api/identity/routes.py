"""Identity providers over HTTP."""

from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from api.core.actor import Actor, signed_in
from api.core.problems import Forbidden, Invalid, NotFound
from api.core.routing import Caller, created
from api.core.schemas import Page
from api.identity import service
from api.identity.schemas import IdentityProviderIn, IdentityProviderOut


@post(
    "/v1/companies/{company_id:uuid}/identity-providers",
    operation_id="createIdentityProvider",
    guards=[signed_in],
    raises=[NotFound, Forbidden, Invalid, service.ProviderTaken],
)
async def create_identity_provider(
    actor: Caller,
    company_id: FromPath[UUID],
    data: JSONBody[IdentityProviderIn],
    request: Request[Actor, None, State],
) -> Response[IdentityProviderOut]:
    """Register the company's own identity provider, as its administrator."""
    development = request.app.state.settings.development
    provider = await service.create_identity_provider(actor, company_id, data, development=development)
    return created(provider, f"/v1/companies/{company_id}/identity-providers/{provider.id}")


@get(
    "/v1/companies/{company_id:uuid}/identity-providers",
    operation_id="listIdentityProviders",
    guards=[signed_in],
    raises=[NotFound, Forbidden],
)
async def list_identity_providers(actor: Caller, company_id: FromPath[UUID]) -> Page[IdentityProviderOut]:
    """List the company's identity providers, to its administrators."""
    return await service.list_identity_providers(actor, company_id)


router = Router("/", route_handlers=[create_identity_provider, list_identity_providers], tags=["identity"])
