"""Session tokens: random, shown once, kept as a digest."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from api.core import clock
from api.core.ids import new_id
from api.identity.tables import Session

PREFIX = "mls_"


def digest(token: str) -> bytes:
    """Give what is stored of a token; a random token needs no salt."""
    return hashlib.sha256(token.encode()).digest()


async def open_session(person_id: UUID, lifetime: timedelta) -> str:
    """Give a new session token of a person, in the open transaction of the system."""
    token = PREFIX + secrets.token_urlsafe(32)
    await Session.insert(
        Session(
            id=new_id(),
            person_id=person_id,
            digest=digest(token),
            created_at=clock.now(),
            expires_at=clock.now() + lifetime,
        )
    )
    return token
