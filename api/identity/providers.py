"""Identity providers of companies, as their administrators register them."""

from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor
from api.core.database import read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.problems import Fault, Invalid, Problem
from api.core.schemas import Page
from api.identity import queries
from api.identity.schemas import IdentityProviderIn, IdentityProviderOut
from api.identity.tables import IdentityProvider
from api.organisations.policy import require_company_role
from api.organisations.queries import get_company


class ProviderTaken(Problem):
    """The issuer and audience are registered already."""

    status = 409
    slug = "provider-taken"
    title = Words(
        "This issuer and audience are registered", "Cet émetteur et cette audience sont enregistrés"
    )


async def create_identity_provider(
    actor: Actor, company_id: UUID, given: IdentityProviderIn, *, development: bool
) -> IdentityProviderOut:
    """Register a provider of the company; raises NotFound, Forbidden, Invalid, ProviderTaken."""
    faults = [
        Fault(f"/{name}", "https-only", Words("An https address.", "Une adresse en https."))
        for name, url in (("issuer", given.issuer), ("jwks_url", given.jwks_url))
        if url and not (url.startswith("https://") or (development and url.startswith("http://127.0.0.1")))
    ]
    if faults:
        raise Invalid(faults=faults)
    try:
        async with transaction(actor) as connection:
            await get_company(connection, company_id)
            require_company_role(actor, company_id, "company_admin")
            provider_id = new_id()
            fields = msgspec.structs.asdict(given)
            fields["role_claim"] = (
                msgspec.json.encode(given.role_claim).decode() if given.role_claim else None
            )
            await IdentityProvider.insert(
                IdentityProvider(id=provider_id, company_id=company_id, created_at=clock.now(), **fields)
            )
            return await queries.get_identity_provider(connection, provider_id)
    except asyncpg.UniqueViolationError:
        raise ProviderTaken from None


async def list_identity_providers(actor: Actor, company_id: UUID) -> Page[IdentityProviderOut]:
    """List the company's providers; raises NotFound, Forbidden."""
    async with read(actor) as connection:
        await get_company(connection, company_id)
        require_company_role(actor, company_id, "company_admin")
        return await queries.list_identity_providers(connection, company_id)
