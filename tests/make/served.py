"""The whole application over HTTP, in this event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar import Litestar

from api.app import edged
from api.core import signing
from api.core.database import close_pools, open_pools
from api.core.settings import Settings


@asynccontextmanager
async def served(app: Litestar, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the application, on the databases of these settings."""
    edge: Any = edged(app)
    transport = httpx.ASGITransport(edge, raise_app_exceptions=False)
    signing.trust(settings.secrets)  # an application made meanwhile may have brought its own
    await open_pools(settings)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://maillon") as client:
            yield client
    finally:
        await app.state.rates.close()
        await close_pools()
