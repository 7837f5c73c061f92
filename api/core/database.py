"""PostgreSQL: pools, the one way to open a transaction, the walls it carries, rows into Structs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from functools import wraps
from sys import intern
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import asyncpg
from piccolo.engine.postgres import PostgresEngine

from api.core import clock
from api.core.actor import Actor
from api.core.problems import NotFound
from api.core.settings import Settings

T = TypeVar("T")
P = ParamSpec("P")

_opening: ContextVar[str] = ContextVar("opening", default="")


class Engine(PostgresEngine):
    """Piccolo's engine, which otherwise connects when it is built."""

    async def check_version(self) -> None:
        """Ask nothing at import."""

    async def prep_database(self) -> None:
        """Create nothing at import."""


class Connection(asyncpg.Connection):
    """A connection whose BEGIN carries the caller's walls, and a first command, in the same round trip."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a command; a BEGIN or SAVEPOINT is followed by what opens its transaction."""
        if query.startswith(("BEGIN", "SAVEPOINT")):
            query += _opening.get()
            _opening.set("")
        return str(await super().execute(query, *args, **options))

    def get_reset_query(self) -> str:
        """Reset nothing: every setting is local to its transaction."""
        return ""


ENGINE = Engine(config={})
_PLANNED = "; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off"
_PATIENCE = 5
"""Seconds that a request waits for a connection."""
_ops: asyncpg.Pool | None = None


async def open_pools(settings: Settings) -> None:
    """Make the pools of the `app` and `ops` roles; they connect when first used."""
    global _ops  # noqa: PLW0603
    ENGINE.pool = await _pool(settings.database_url, settings.pool_size)
    if settings.database_ops_url:
        _ops = await _pool(settings.database_ops_url, 4)


async def close_pools() -> None:
    """Close the pools, letting queries under way end."""
    global _ops
    pools, ENGINE.pool, _ops = (ENGINE.pool, _ops), None, None
    for pool in pools:
        if pool is not None:
            await pool.close()


async def _pool(url: str, size: int) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        url, min_size=0, max_size=size, connection_class=Connection, command_timeout=30, timeout=5
    )


def walls(actor: Actor | None) -> str:
    """Write the settings that row-level security reads, from parsed values only."""
    moved = clock.moved()
    values = {"app.now": moved.isoformat()} if moved else {}
    if actor:
        # Every one of them, even empty: they may replace those of an outer transaction.
        roles = actor.roles | (actor.employment.roles if actor.employment else frozenset())
        stood_in = actor.employment.stands_in_for if actor.employment else None
        guest = [str(key) for key, role in actor.memberships.items() if role == "system"]
        values |= {
            "app.person": str(actor.person_id or actor.key_id or ""),
            "app.actor": "key" if actor.key_id else "person" if actor.person_id else "",
            "app.guest": "{" + ",".join(guest) + "}",
            "app.company": str(actor.company_id or ""),
            "app.employee": str(actor.employment.employee_id) if actor.employment else "",
            "app.stood_in": str(stood_in or ""),
            "app.association": "{" + ",".join(map(str, actor.memberships)) + "}",
            "app.role": "{" + ",".join(sorted(roles)) + "}",
        }
    settings = ", ".join(f"set_config('{key}', '{value}', true)" for key, value in values.items())
    return f"; SELECT {settings}" if settings else ""


def transaction(actor: Actor | None, *, first: str = "") -> AbstractAsyncContextManager[Connection]:
    """Open a write transaction within the actor's walls; inside another one, a savepoint of it.

    A nested one must be the same caller's, who may there be wider: in the tenant that they are making.
    `first`: a command sent along, of parsed values only, whose answer nobody reads: a lock.
    """
    return _begin(actor, readonly=False, opening=f"; {first}" if first else "")


def read(actor: Actor | None, *, planned: bool = False) -> AbstractAsyncContextManager[Connection]:
    """Read within the actor's walls; without an actor nothing is set and each statement stands alone.

    `planned`: each statement is planned for its own parameters, by indexes, where one plan does not serve them all.
    """
    if ENGINE.current_transaction.get() or actor or clock.moved() or planned:
        return _begin(actor, readonly=True, opening=_PLANNED if planned else "")
    return _acquired()


@asynccontextmanager
async def operations() -> AsyncIterator[Connection]:
    """Open a transaction of the `ops` role, which no wall stops: relay, schedule, checks."""
    if _ops is None:
        raise RuntimeError("MAILLON_DATABASE_OPS_URL is not set: the worker and `check` need it.")
    async with _ops.acquire(timeout=5) as connection, connection.transaction():
        yield connection


def bound() -> Connection:
    """Give the connection of the transaction that is open here; raises RuntimeError outside of one."""
    current = ENGINE.current_transaction.get()
    if current is None:
        raise RuntimeError("This must run inside core.database.transaction().")
    connection: Connection = current.connection
    return connection


@asynccontextmanager
async def _begin(actor: Actor | None, *, readonly: bool, opening: str) -> AsyncIterator[Connection]:
    current: Any = ENGINE.current_transaction.get()
    if current is not None:
        if readonly and current.walls == walls(actor):
            yield current.connection
            return
        before = _opening.set(opening)
        try:
            async with current.connection.transaction(), _moved_walls(current, actor):
                yield current.connection
        finally:
            _opening.reset(before)
        return
    wanted = walls(actor)
    before = _opening.set(wanted + opening)
    try:
        async with _acquired() as connection, connection.transaction(readonly=readonly):
            here: Any = SimpleNamespace(connection=connection, walls=wanted, person=_person(actor))
            token = ENGINE.current_transaction.set(here)
            try:
                yield connection
            finally:
                ENGINE.current_transaction.reset(token)
    finally:
        _opening.reset(before)


@asynccontextmanager
async def _moved_walls(current: SimpleNamespace, actor: Actor | None) -> AsyncIterator[None]:
    before, wanted = current.walls, walls(actor)
    if before == wanted:
        yield
        return
    if current.person is None or current.person != _person(actor):
        raise RuntimeError("A nested transaction must be the same caller's.")
    current.walls = wanted
    await current.connection.execute(wanted.removeprefix("; "))
    try:
        yield
    finally:
        current.walls = before
    # Not after an exception: the savepoint's rollback has put them back, and takes no more commands.
    await current.connection.execute(before.removeprefix("; "))


def _person(actor: Actor | None) -> UUID | None:
    return actor.person_id if actor else None


@asynccontextmanager
async def _acquired() -> AsyncIterator[Connection]:
    pool = ENGINE.pool
    if pool is None:
        raise asyncpg.InterfaceError("core.database.open_pools() comes first, close_pools() last.")
    # Timers cost more than what they would bound: nobody waits while a connection lies idle, nor to give one back
    # but where its last command was cut short.
    connection = await pool.acquire(timeout=None if pool.get_idle_size() else _PATIENCE)
    try:
        yield connection
    except BaseException:
        await pool.release(connection, timeout=_PATIENCE)
        raise
    await pool.release(connection)


CONTENTION = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
AWAY = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidAuthorizationSpecificationError,
    *CONTENTION,
    OSError,
    TimeoutError,
)
"""What a database that is away, starting, full or contended raises: answered by 503, never 500."""


def retried(use_case: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run a use case again, at most 5 times, when it lost a deadlock; not inside an outer transaction."""

    @wraps(use_case)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(4):
            if ENGINE.current_transaction.get() is not None:
                break
            try:
                return await use_case(*args, **kwargs)
            except CONTENTION:
                continue
        return await use_case(*args, **kwargs)

    return run


async def fetch_all(connection: Connection, shape: type[T], sql: str, *args: object) -> list[T]:
    """Read rows into Structs, a column a field."""
    rows = await connection.fetch(sql, *args)
    # Structs know their fields by the interned name: a third faster than by the names of a record.
    names = list(map(intern, rows[0].keys())) if rows else []
    return [shape(**dict(zip(names, row, strict=True))) for row in rows]


async def fetch_one(connection: Connection, shape: type[T], sql: str, *args: object) -> T | None:
    """Read one row into a Struct, or None where no row is visible."""
    row = await connection.fetchrow(sql, *args)
    return shape(**row) if row else None


def found(value: T | None) -> T:
    """Give what a read found; raises NotFound where the walls, or nothing, left it empty."""
    if value is None:
        raise NotFound
    return value
