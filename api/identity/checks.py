"""Trying a registered provider: what its administrator reads before anybody else meets it."""

from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from api.core.actor import Actor
from api.core.language import Language, Words
from api.core.net import AddressRefused, Answered, Reach
from api.core.problems import Unauthenticated
from api.identity.arrivals import find
from api.identity.company_tokens import ALGORITHMS, REGISTRY, CompanyToken, Provider, believe, claims_registry
from api.identity.keys import UNUSABLE, ForeignIssuer, read_keys, read_metadata
from api.identity.providers import get_identity_provider
from api.identity.schemas import Checked, IdentityProviderOut, ProviderCheckOut, SampleOut

_WORDS = {
    "ok": Words("It answers as it should.", "La réponse est bonne."),
    "address-refused": Words(
        "The address is not public: the operator can allow your network.",
        "L’adresse n’est pas publique : l’exploitant peut autoriser votre réseau.",
    ),
    "refused": Words("It answered an error.", "La réponse est une erreur."),
    "unreachable": Words("It does not answer.", "Pas de réponse."),
    "unreadable": Words("The answer cannot be read.", "La réponse est illisible."),
    "other-issuer": Words("The document names another issuer.", "Le document nomme un autre émetteur."),
    "no-sign-in": Words(
        "The document lacks where to sign in or to exchange a code.",
        "Le document ne dit pas où se connecter ou échanger un code.",
    ),
    "no-key": Words(
        f"No signing key that we take: {', '.join(ALGORITHMS)}.",
        f"Aucune clé de signature acceptée : {', '.join(ALGORITHMS)}.",
    ),
    "expired": Words("The token has expired.", "Le jeton a expiré."),
    "other-claim": Words("A claim is missing or another: ", "Une donnée (claim) manque ou diffère : "),
    "bad-signature": Words(
        "Not signed by the provider’s keys.", "La signature n’est pas celle du fournisseur."
    ),
    "no-key-claim": Words(
        "`sub` or the claim of employee_key is missing.",
        "`sub` ou la donnée (claim) de employee_key manque.",
    ),
}


async def check_identity_provider(
    actor: Actor,
    company_id: UUID,
    provider_id: UUID,
    sample: str | None,
    language: Language,
    redirect_uri: str,
    networks: Reach,
) -> ProviderCheckOut:
    """Try discovery, keys and a sample token now, past every cache; raises NotFound, Forbidden."""
    provider = await get_identity_provider(actor, company_id, provider_id)
    discovery, jwks_url = await _try_discovery(provider, networks)
    keys, key_set = await _try_keys(provider.jwks_url or jwks_url, networks)
    token = None
    if sample is not None:
        rules = Provider(
            company_id,
            provider.audience,
            provider.jwks_url,
            _text(provider.role_claim),
            _text(provider.employee_key),
        )
        token = await _try_token(rules, provider.issuer, sample, key_set, language)
    return ProviderCheckOut(
        discovery=_checked(discovery, language),
        keys=_checked(keys, language),
        redirect_uri=redirect_uri,
        token=token,
    )


def _checked(code: str, language: Language, more: str = "") -> Checked:
    return Checked(ok=code == "ok", code=code, detail=_WORDS[code].read(language) + more)


async def _try_discovery(provider: IdentityProviderOut, networks: Reach) -> tuple[str, str | None]:
    try:
        found = await read_metadata(provider.issuer, networks)
    except UNUSABLE as error:
        return _code(error), None
    if provider.client_id and not (found.authorization_endpoint and found.token_endpoint):
        return "no-sign-in", found.jwks_uri
    return "ok", found.jwks_uri


async def _try_keys(jwks_url: str | None, networks: Reach) -> tuple[str, KeySet | None]:
    if jwks_url is None:
        return "unreachable", None
    try:
        keys = await read_keys(jwks_url, networks)
    except UNUSABLE as error:
        return _code(error), None
    if not any(key.key_type in ("RSA", "EC", "OKP") for key in keys.keys):
        return "no-key", None
    return "ok", keys


def _code(error: Exception) -> str:
    match error:
        case AddressRefused():
            return "address-refused"
        case ForeignIssuer():
            return "other-issuer"
        case Answered():
            return "refused"
        case OSError():
            return "unreachable"
    return "unreadable"


def _text(mapping: object) -> str | None:
    return msgspec.json.encode(mapping).decode() if mapping else None


async def _try_token(
    provider: Provider, issuer: str, text: str, keys: KeySet | None, language: Language
) -> SampleOut:
    code, more, token = _read(provider, issuer, text, keys)
    answer = msgspec.structs.asdict(_checked(code, language, more))
    if token is None:
        return SampleOut(**answer)
    row = await find(token)
    employed = row is not None and row["company_id"] == provider.company_id
    return SampleOut(
        **answer,
        subject=token.subject,
        employee_id=row["employee_id"] if employed else None,
        roles=sorted(token.roles),
    )


def _read(
    provider: Provider, issuer: str, text: str, keys: KeySet | None
) -> tuple[str, str, CompanyToken | None]:
    """Give what is wrong with a token, in which claim, or what it says."""
    try:
        if keys is None:
            raise ValueError("no keys")
        claims = jwt.decode(text, keys, registry=REGISTRY).claims
        claims_registry(issuer, provider.audience).validate(claims)
        return "ok", "", believe(provider, issuer, claims)
    except ExpiredTokenError:
        return "expired", "", None
    except ClaimError as error:
        return "other-claim", error.claim, None
    except Unauthenticated:
        return "no-key-claim", "", None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return "bad-signature", "", None
