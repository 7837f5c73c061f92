"""Is it alive, is it ready, how is it doing."""

import hmac
from importlib import resources
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.core.actor import public
from api.core.database import AWAY, read
from api.core.problems import NotFound
from api.core.schemas import Out

LAG_SECONDS = 60.0
_APPLIED = "SELECT name FROM migration"
_LAG = "SELECT relay_lag()"


class Health(Out, frozen=True, kw_only=True):
    """Alive."""

    status: str


class Readiness(Out, frozen=True, kw_only=True):
    """`ready`, `degraded` (background work waits) or `away`; each part says `ok` or what it is."""

    status: str
    parts: dict[str, str]


@get("/healthz", operation_id="health", guards=[public])
async def get_health() -> Health:
    """Say that the process is alive."""
    return Health(status="ok")


@get("/readyz", operation_id="getReadiness", guards=[public])
async def get_readiness(request: Request[Any, Any, State]) -> Response[Readiness]:
    """Say whether requests can be served: 503 without database or migrations; Redis and lag only degrade."""
    parts = await _database() | {"redis": await _redis(request.app.state.settings.redis_url)}
    vital = parts["database"] == parts["migrations"] == "ok"
    status = "away" if not vital else "ready" if set(parts.values()) == {"ok"} else "degraded"
    return Response(
        Readiness(status=status, parts=parts),
        status_code=200 if vital else 503,
        headers={} if vital else {"Retry-After": "2"},
    )


async def _database() -> dict[str, str]:
    try:
        async with read(None) as connection:
            applied = {row["name"] for row in await connection.fetch(_APPLIED)}
            lag = await connection.fetchval(_LAG)
    except AWAY:
        return {"database": "away", "migrations": "unknown", "relay": "unknown"}
    missing = len(shipped_migrations() - applied)
    return {
        "database": "ok",
        "migrations": f"{missing} to run" if missing else "ok",
        "relay": "ok" if lag < LAG_SECONDS else f"{lag:.0f} s behind",
    }


def shipped_migrations() -> set[str]:
    """Give the names of the migrations this release ships."""
    prefix = 'ID = "'
    return {
        line.removeprefix(prefix).rstrip('"')
        for file in resources.files("migrations.versions").iterdir()
        if file.name.startswith("maillon_")
        for line in file.read_text().splitlines()
        if line.startswith(prefix)
    }


async def _redis(url: str) -> str:
    client: Redis = Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        await client.ping()
    except (RedisError, OSError):
        return "away"
    finally:
        await client.aclose()
    return "ok"


@get("/metrics", operation_id="getMetrics", guards=[public], media_type="text/plain", raises=[NotFound])
async def get_metrics(request: Request[Any, Any, State]) -> Response[bytes]:
    """Give the Prometheus metrics to who holds the operator's token; nothing is here for others."""
    expected = request.app.state.settings.metrics_token
    given = request.headers.get("x-metrics-token", "")
    if expected is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotFound
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


router = Router(
    "/", route_handlers=[get_health, get_readiness, get_metrics], tags=["operations"], opt={"probe": True}
)
