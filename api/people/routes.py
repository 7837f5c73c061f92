"""Oneself over HTTP."""

from litestar import get, patch
from litestar.params import JSONBody

from api.core.actor import signed_in
from api.core.database import read
from api.core.problems import Invalid
from api.core.routing import Caller
from api.people import queries, service
from api.people.schemas import MeOut, MePatch


@get("/v1/me", operation_id="getMe", guards=[signed_in])
async def get_me(actor: Caller) -> MeOut:
    """Give who the caller is and what they may be."""
    async with read(actor) as connection:
        return await queries.get_me(connection, actor)


@patch("/v1/me", operation_id="updateMe", guards=[signed_in], raises=[Invalid])
async def update_me(actor: Caller, data: JSONBody[MePatch]) -> MeOut:
    """Change one's own name, language or time zone."""
    return await service.update_me(actor, data)
