"""Proof of an address by a code sent to it: to sign in, or to add the address to oneself.

A code is worth nothing without the `request` that only the browser that asked for it holds, and what is stored is
a digest of the two together: who reads the table can try no code against it.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from api.core import clock
from api.core.actor import Actor, system
from api.core.database import Connection, transaction
from api.core.ids import new_id
from api.core.language import Language, Words
from api.core.net import network_of
from api.core.problems import Problem, TooManyRequests
from api.identity.schemas import CodeIn, MagicLinkOut
from api.identity.sessions import OpenedSession, begin_session, digest
from api.identity.tables import MagicLink
from api.notifications.kinds import CODES
from api.notifications.service import mail_code
from api.people.service import person_of_email
from api.people.tables import Person, PersonEmail

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Thirty signs that are not mistaken for one another: ten of them are 49 bits, against five attempts."""
LENGTH = 10
SESSION_LIFETIME = timedelta(days=30)
WINDOW = timedelta(hours=1)
MOST_OF_ADDRESS, MOST_OF_NETWORK = 5, 30
KEPT = timedelta(days=1)

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_ASKED = """
    SELECT count(*) FILTER (WHERE email = $1) AS of_address, min(created_at) FILTER (WHERE email = $1) AS address_since,
           count(*) FILTER (WHERE network = $2) AS of_network,
           min(created_at) FILTER (WHERE network = $2) AS network_since
    FROM magic_link WHERE created_at > $3 AND (email = $1 OR network = $2)
"""
_PURGE = """
    DELETE FROM magic_link WHERE id IN (
        SELECT id FROM magic_link WHERE created_at < $1 ORDER BY created_at LIMIT 100 FOR UPDATE SKIP LOCKED)
"""
# An attempt is counted and judged in one statement: whoever comes at the same moment waits, and looks again.
_TRY = """
    UPDATE magic_link SET attempts = attempts + 1, used_at = CASE WHEN proof_digest = $2 THEN $3::timestamptz END
    WHERE request_digest = $1 AND used_at IS NULL AND expires_at > $3 AND attempts < 5
    RETURNING email, person_id, used_at
"""
_WHOSE = "SELECT person_by_email($1)"
_EMPLOYER = "SELECT company_of_address($1, $2)"


class CodeRefused(Problem):
    """The code is wrong, too old, used, of another request, or was tried too often: which, is not said."""

    status = 403
    slug = "code-refused"
    title = Words("This code does not open", "Ce code n’ouvre pas")


class AddressTaken(Problem):
    """The code is right, and the address signs in to another account already: nothing was added."""

    status = 409
    slug = "address-taken"
    title = Words("This address is another account’s", "Cette adresse est celle d’un autre compte")
    advice = Words(
        "It signs in to another account: sign in with it, or erase that account first.",
        "Elle ouvre un autre compte : connectez-vous avec elle, ou effacez d’abord cet autre compte.",
    )


async def start_magic_link(email: str, language: Language, address: str | None) -> MagicLinkOut:
    """Mail a code to sign in; nothing here looks at whose the address is. Raises TooManyRequests."""
    return await _ask("sign_in", email.lower(), None, language, network_of(address))


async def add_my_email(actor: Actor, email: str, language: Language, address: str | None) -> MagicLinkOut:
    """Mail a code that adds the address to the caller; raises TooManyRequests."""
    return await _ask("address_proof", email.lower(), actor.author, language, network_of(address))


async def _ask(
    kind: str, email: str, person_id: UUID | None, language: Language, network: str
) -> MagicLinkOut:
    request, code, now, link_id = secrets.token_urlsafe(32), _new_code(), clock.now(), new_id()
    expires_at = now + CODES[kind]
    async with transaction(system()) as connection:
        await _require_calm(connection, email, network, now)
        await connection.execute(_PURGE, now - KEPT)
        await MagicLink.insert(
            MagicLink(
                id=link_id,
                request_digest=digest(request),
                proof_digest=_proof(request, code),
                email=email,
                person_id=person_id,
                network=network,
                created_at=now,
                expires_at=expires_at,
            )
        )
        await mail_code(kind, email, language, {"code": f"{code[:5]}-{code[5:]}"}, f"{link_id}:{kind}")
    return MagicLinkOut(request=request, expires_at=expires_at)


async def _require_calm(connection: Connection, email: str, network: str, now: datetime) -> None:
    """Refuse a mail too many to an address or from a network within the hour; raises TooManyRequests."""
    # Whoever asks at the same moment waits here, and counts this one; addresses come before networks.
    for subject in (f"address {email}", f"network {network}"):
        await connection.execute(_LOCK, subject)
    asked: Any = await connection.fetchrow(_ASKED, email, network, now - WINDOW)
    full = [
        since
        for count, most, since in (
            (asked["of_address"], MOST_OF_ADDRESS, asked["address_since"]),
            (asked["of_network"], MOST_OF_NETWORK, asked["network_since"]),
        )
        if count >= most
    ]
    if full:
        raise TooManyRequests(seconds=int((max(full) + WINDOW - now).total_seconds()) + 1)


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _proof(request: str, code: str) -> bytes:
    typed = "".join(code.upper().replace("-", " ").split())
    return hashlib.sha256(f"{request} {typed}".encode()).digest()


async def redeem_magic_link(given: CodeIn, language: Language) -> OpenedSession:
    """Open a session against a code and the request it was asked with, once; raises CodeRefused, AddressTaken.

    An unknown address becomes a person; one that a signed-in person asked to add becomes theirs, unless it is
    somebody else's already: who holds the code is told.
    """
    try:
        opened = await _redeem(given, language)
    except asyncpg.UniqueViolationError:
        # The address became somebody's at the same moment: now it is known.
        opened = await _redeem(given, language)
    if isinstance(opened, Problem):
        raise opened
    return opened


async def _redeem(given: CodeIn, language: Language) -> OpenedSession | Problem:
    """Count the attempt, whatever comes of it: a refusal must not take the count back."""
    now = clock.now()
    async with transaction(system()) as connection:
        proof = _proof(given.request, given.code)
        link = await connection.fetchrow(_TRY, digest(given.request), proof, now)
        if link is None or link["used_at"] is None:
            return CodeRefused()
        whose = await connection.fetchval(_WHOSE, link["email"])
        if link["person_id"] is None:
            whose = whose or await _new_person(link["email"], language)
        elif whose is None:
            whose = link["person_id"]
            await PersonEmail.insert(
                PersonEmail(id=new_id(), person_id=whose, email=link["email"], proved_at=now)
            )
        elif whose != link["person_id"]:
            return AddressTaken()
        employer = await connection.fetchval(_EMPLOYER, whose, link["email"])
        return await begin_session(whose, SESSION_LIFETIME, company_id=employer)


async def _new_person(email: str, language: Language) -> UUID:
    person_id = await person_of_email(email)
    await Person.update({Person.language: language}).where(Person.id == person_id)
    return person_id
