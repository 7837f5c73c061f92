"""Identity providers of a company over HTTP."""

from uuid import UUID

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from api.core.actor import Actor, signed_in
from api.core.errors import reader_language
from api.core.problems import Forbidden, Invalid, NotFound, VersionChanged, VersionRequired
from api.core.routing import Caller, EditedVersion, created
from api.core.schemas import Page
from api.identity import checks, providers
from api.identity.login import redirect_uri
from api.identity.schemas import (
    IdentityProviderIn,
    IdentityProviderOut,
    IdentityProviderPatch,
    ProviderCheckOut,
    SampleIn,
)

SEEN = [NotFound, Forbidden]
EDIT = [*SEEN, Invalid, VersionChanged, VersionRequired, providers.ProviderTaken]
ALL = "/v1/companies/{company_id:uuid}/identity-providers"
ONE = f"{ALL}/{{provider_id:uuid}}"


@post(
    ALL,
    operation_id="createIdentityProvider",
    guards=[signed_in],
    raises=[*SEEN, Invalid, providers.ProviderTaken],
)
async def create_identity_provider(
    actor: Caller,
    company_id: FromPath[UUID],
    data: JSONBody[IdentityProviderIn],
    request: Request[Actor, str, State],
) -> Response[IdentityProviderOut]:
    """Register the company's own identity provider, as its administrator."""
    development = request.app.state.settings.development
    provider = await providers.create_identity_provider(actor, company_id, data, development=development)
    return created(provider, f"/v1/companies/{company_id}/identity-providers/{provider.id}")


@get(ALL, operation_id="listIdentityProviders", guards=[signed_in], raises=SEEN)
async def list_identity_providers(actor: Caller, company_id: FromPath[UUID]) -> Page[IdentityProviderOut]:
    """List the company's identity providers, to its administrators."""
    return await providers.list_identity_providers(actor, company_id)


@patch(ONE, operation_id="updateIdentityProvider", guards=[signed_in], raises=EDIT)
async def update_identity_provider(
    actor: Caller,
    company_id: FromPath[UUID],
    provider_id: FromPath[UUID],
    data: JSONBody[IdentityProviderPatch],
    edited: EditedVersion,
    request: Request[Actor, str, State],
) -> IdentityProviderOut:
    """Edit a provider, as the company's administrator; its issuer stays."""
    development = request.app.state.settings.development
    return await providers.update_identity_provider(
        actor, company_id, provider_id, data, edited, development=development
    )


@delete(ONE, operation_id="deleteIdentityProvider", guards=[signed_in], raises=SEEN)
async def delete_identity_provider(
    actor: Caller, company_id: FromPath[UUID], provider_id: FromPath[UUID]
) -> None:
    """Forget a provider: its tokens, and the sessions it vouched for, end at once."""
    await providers.delete_identity_provider(actor, company_id, provider_id)


@post(
    f"{ONE}/check",
    operation_id="checkIdentityProvider",
    guards=[signed_in],
    status_code=200,
    raises=[*SEEN, Invalid],
)
async def check_identity_provider(
    actor: Caller,
    company_id: FromPath[UUID],
    provider_id: FromPath[UUID],
    data: JSONBody[SampleIn],
    request: Request[Actor, str, State],
) -> ProviderCheckOut:
    """Try a provider now: discovery, keys, and a sample token where one is given, as the administrator."""
    state, language = request.app.state, reader_language(request)
    return await checks.check_identity_provider(
        actor, company_id, provider_id, data.token, language, redirect_uri(state.settings), state.networks
    )


router = Router(
    "/",
    route_handlers=[
        create_identity_provider,
        list_identity_providers,
        update_identity_provider,
        delete_identity_provider,
        check_identity_provider,
    ],
    tags=["identity"],
)
