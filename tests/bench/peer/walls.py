"""Who asks the peer, and the session whose transaction carries their walls."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, HTTPException
from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine(
    re.sub("^postgresql:", "postgresql+asyncpg:", os.environ["MAILLON_DATABASE_URL"]),
    pool_size=10,
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
limiter = MovingWindowRateLimiter(
    RedisStorage(f"async+{os.environ['MAILLON_REDIS_URL']}", implementation="redispy")
)
limit_of_caller = parse("99999/second")
_ACTOR = text("SELECT * FROM actor_by_session(:digest, :now)")
_WALLS = text(
    "SELECT set_config('app.person', :person, true), set_config('app.actor', 'person', true), "
    "set_config('app.guest', '{}', true), set_config('app.company', :company, true), "
    "set_config('app.employee', :employee, true), set_config('app.association', :associations, true), "
    "set_config('app.role', :roles, true), set_config('plan_cache_mode', :plans, true)"
)


async def walled(authorization: Annotated[str, Header()]) -> AsyncIterator[AsyncSession]:
    """Give a session whose transaction carries the walls of whoever signed in."""
    async with _opened(authorization, "auto") as session:
        yield session


async def planned(authorization: Annotated[str, Header()]) -> AsyncIterator[AsyncSession]:
    """Give one whose statements are planned for their own parameters, as searches need it."""
    async with _opened(authorization, "force_custom_plan") as session:
        yield session


@asynccontextmanager
async def _opened(authorization: str, plans: str) -> AsyncIterator[AsyncSession]:
    token = authorization.removeprefix("Bearer ")
    async with sessions() as session:
        digest = sha256(token.encode()).digest()
        actor = (await session.execute(_ACTOR, {"digest": digest, "now": datetime.now(UTC)})).one_or_none()
        if actor is None:
            raise HTTPException(401)
        if not await limiter.hit(limit_of_caller, f"caller {actor.person_id}"):
            raise HTTPException(429)
        walls = {
            "person": str(actor.person_id),
            "company": str(actor.company_id or ""),
            "employee": str(actor.employee_id or ""),
            "associations": "{}",
            "plans": plans,
            "roles": "{" + ",".join([*actor.platform_roles, *(actor.employee_roles or ())]) + "}",
        }
        await session.execute(_WALLS, walls)
        session.info["company_id"] = actor.company_id
        session.info["actor"] = actor
        yield session


Walled = Annotated[AsyncSession, Depends(walled)]
Planned = Annotated[AsyncSession, Depends(planned)]
