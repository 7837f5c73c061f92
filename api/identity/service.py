"""Use cases of identity: who a credential is, first arrivals, identity providers, sessions."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.core import clock
from api.core.actor import Actor, Employment, system
from api.core.database import read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.net import Reach
from api.core.problems import Fault, Invalid, NotFound, Problem, Unauthenticated
from api.core.schemas import Page
from api.identity import queries
from api.identity.company_tokens import CompanyToken, read_company_token, refused
from api.identity.schemas import IdentityProviderIn, IdentityProviderOut
from api.identity.sessions import PREFIX, digest, open_session
from api.identity.tables import Identity, IdentityProvider, PlatformRole
from api.organisations.policy import require_company_role
from api.organisations.queries import get_company, get_policy
from api.organisations.service import add_employee
from api.people.service import add_person, person_of_email

BY_SESSION = "SELECT * FROM actor_by_session($1, $2)"
_BY_IDENTITY = "SELECT * FROM actor_by_identity($1, $2, $3)"


class ProviderTaken(Problem):
    """The issuer and audience are registered already."""

    status = 409
    slug = "provider-taken"
    title = Words(
        "This issuer and audience are registered", "Cet émetteur et cette audience sont enregistrés"
    )


async def authenticate(token: str, networks: Reach = ()) -> Actor:
    """Give whom a bearer token is: a session, or a company's own JWT, whose keys may lie in the networks.

    Raises Unauthenticated, Unavailable.
    """
    if token.startswith(PREFIX):
        async with read(None) as connection:
            row = await connection.fetchrow(BY_SESSION, digest(token), clock.now())
        if row is None:
            raise refused()
        return _actor(row)
    if token.count(".") != 2 or len(token) > 16_000:
        raise refused()
    presented = await read_company_token(token, networks)
    async with read(None) as connection:
        row = await connection.fetchrow(
            _BY_IDENTITY, presented.company_id, presented.issuer, presented.subject
        )
    if row is None:
        row = await arrive(presented)
    if row["company_id"] != presented.company_id:
        # Deactivated, or gone to another company: what came through this one is closed.
        raise refused()
    return _actor(row, presented.roles)


def _actor(row: Any, roles: frozenset[str] = frozenset()) -> Actor:
    company_id = row["company_id"]
    return Actor(
        person_id=row["person_id"],
        language=row["language"],
        employment=Employment(company_id, row["employee_id"], frozenset(row["employee_roles"]) | roles)
        if company_id
        else None,
        memberships=msgspec.json.decode(row["memberships"], type=dict[UUID, str]),
        roles=frozenset(row["platform_roles"]),
    )


async def arrive(token: CompanyToken) -> Any:
    """Make the employee of a first valid token where the policy allows it; two at once make one."""
    inside = system(company_id=token.company_id)
    claims = token.claims
    given, family = _text(claims, "given_name"), _text(claims, "family_name")
    language = "en" if str(claims.get("locale", "fr")).lower().startswith("en") else "fr"
    try:
        async with transaction(inside) as connection:
            company = await get_company(connection, token.company_id)
            policy = await get_policy(connection, company.id, clock.today(company.time_zone))
            if not policy.just_in_time:
                raise Unauthenticated(
                    Words(
                        "Your company has not added you yet.", "Votre entreprise ne vous a pas encore ajouté."
                    )
                )
            person_id = await add_person(given, family, language)
            await Identity.insert(
                Identity(
                    id=new_id(),
                    person_id=person_id,
                    company_id=company.id,
                    issuer=token.issuer,
                    subject=token.subject,
                    created_at=clock.now(),
                )
            )
            await add_employee(
                company.id,
                person_id,
                email=_text(claims, "email").lower() or None,
                roles=["employee"],  # a token's roles last as long as the token
                given_name=given,
                family_name=family,
            )
    except asyncpg.UniqueViolationError:
        pass
    async with read(None) as connection:
        return await connection.fetchrow(_BY_IDENTITY, token.company_id, token.issuer, token.subject)


def _text(claims: dict[str, Any], name: str) -> str:
    text = claims.get(name)
    return "".join(filter(str.isprintable, text))[:200] if isinstance(text, str) else ""


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


async def issue_token(email: str, lifetime: timedelta) -> str:
    """Give a session token of the person of an address, made when unknown: the operator's own door."""
    async with transaction(system()):
        return await open_session(await person_of_email(email), lifetime)


async def grant_role(email: str, role: str) -> UUID:
    """Give a platform role to the person of an address, made when unknown."""
    async with transaction(system()):
        person_id = await person_of_email(email)
        held = await PlatformRole.exists().where(
            (PlatformRole.person_id == person_id) & (PlatformRole.role == role)
        )
        if not held:
            await PlatformRole.insert(PlatformRole(id=new_id(), person_id=person_id, role=role))
        return person_id


async def revoke_role(email: str, role: str) -> None:
    """Take a platform role from the person of an address; raises NotFound."""
    async with transaction(system()) as connection:
        person_id = await connection.fetchval("SELECT person_by_email($1)", email.lower())
        if person_id is None:
            raise NotFound
        await PlatformRole.delete().where((PlatformRole.person_id == person_id) & (PlatformRole.role == role))
