"""The application: routers, middleware, handlers, lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp

from api.applications.routes import router as applications
from api.applications.routes_answers import router as answers
from api.applications.routes_changes import router as changes
from api.applications.routes_feedback import router as feedback
from api.applications.routes_missions import router as mission_acts
from api.applications.routes_missions import update_mission
from api.core import errors, health, net, openapi, signing
from api.core.database import close_pools, open_pools
from api.core.edge import Edge
from api.core.etag import Answer
from api.core.idempotency import Idempotency
from api.core.rates import RateLimits
from api.core.requests import MAX_BODY, StrictRequest, strictly
from api.core.routing import DEPENDENCIES
from api.core.settings import Settings
from api.hours.routes import router as hours
from api.identity.authentication import Authentication
from api.identity.cross_origin import CrossOrigin
from api.identity.routes import router as identity
from api.identity.routes_calendars import router as calendars
from api.identity.routes_employees import router as employees
from api.identity.routes_keys import router as keys
from api.identity.routes_login import router as login
from api.identity.routes_personal import router as personal
from api.identity.routes_providers import router as providers
from api.identity.routes_scim import router as directories
from api.missions.routes import router as missions
from api.missions.routes_lifecycle import router as mission_lives
from api.missions.routes_templates import router as templates
from api.notifications.routes import router as notifications
from api.organisations.routes import router as organisations
from api.organisations.routes_audit import router as audit
from api.organisations.routes_members import router as members
from api.organisations.routes_policies import router as policies
from api.reporting.routes import router as reporting
from api.skills.routes import router as skills
from api.web.pages import assets
from api.web.routes import router as pages

_ROUTERS = (
    health.router,
    organisations,
    members,
    policies,
    audit,
    identity,
    calendars,
    keys,
    providers,
    login,
    directories,
    employees,
    personal,
    missions,
    mission_lives,
    applications,
    answers,
    changes,
    mission_acts,
    update_mission,
    feedback,
    hours,
    reporting,
    notifications,
    skills,
    templates,
    pages,
    openapi.get_document,
)


def create_app(settings: Settings) -> ASGIApp:
    """Make the ASGI application that a server runs."""
    return edged(create_litestar(settings))


def edged(app: Litestar) -> ASGIApp:
    """Put the application below what every answer passes."""
    return Edge(CrossOrigin(app))


def create_litestar(settings: Settings) -> Litestar:
    """Make the application below the edge; `create_app` is what to serve."""
    signing.trust(settings.secrets)
    return Litestar(
        route_handlers=[*_ROUTERS, assets(), openapi.assets()],
        middleware=[Authentication, Idempotency],
        before_request=strictly,
        dependencies=DEPENDENCIES,
        exception_handlers={Exception: errors.answer},
        lifespan=[_pools],
        logging_config=None,
        openapi_config=openapi.config(),
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY,
        response_class=Answer,
        state=State(
            {
                "settings": settings,
                "networks": net.reach(settings),
                "origin": net.origin_of(settings.public_url),
                "rates": RateLimits(settings),
                "proxies": net.networks(*settings.trusted_proxies),
            }
        ),
    )


@asynccontextmanager
async def _pools(app: Litestar) -> AsyncIterator[None]:
    await open_pools(app.state.settings)
    await app.state.rates.open()
    try:
        yield
    finally:
        await app.state.rates.close()
        await close_pools()
