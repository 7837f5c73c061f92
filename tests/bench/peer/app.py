"""The peer's application: a few routes, with authentication, rate limit and walls as dependencies."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, HTTPException, Query
from sqlalchemy import func, select, true
from sqlalchemy.orm import joinedload

from tests.bench.peer import applying, schemas
from tests.bench.peer.search import Asked, search
from tests.bench.peer.tables import Mission
from tests.bench.peer.walls import Planned

SECRET = os.environ["MAILLON_SECRETS"].encode()
app = FastAPI()
app.include_router(applying.router)
Several = Annotated[list[str] | None, Query(max_length=20)]


@app.get("/v1/missions")
async def search_missions(
    session: Planned,
    q: Annotated[str | None, Query(max_length=200)] = None,
    association: UUID | None = None,
    cause: Several = None,
    skill: Several = None,
    formats: Annotated[list[str] | None, Query(alias="format", max_length=20)] = None,
    remote: Several = None,
    regime: Several = None,
    language: Several = None,
    near: Annotated[str | None, Query(pattern=r"^-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?$")] = None,
    radius_km: Annotated[int, Query(ge=1, le=300)] = 20,
    starts_after: date | None = None,
    starts_before: date | None = None,
    max_minutes: Annotated[int | None, Query(ge=1)] = None,
    has_places: bool = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> schemas.Found:
    """Find missions: by words the best first, else the newest."""
    point: Any = tuple(map(float, near.split(","))) if near else None
    asked = Asked(
        q=q, association=association, cause=cause, skill=skill, format=formats, remote=remote, regime=regime,
        language=language, near=point, radius=radius_km, starts_after=starts_after, starts_before=starts_before,
        max_minutes=max_minutes, has_places=has_places, after=_read(cursor) if cursor else None,
    )  # fmt: skip
    rows = await search(session, asked, limit + 1)
    return schemas.Found(items=rows[:limit], next=_write(rows[limit - 1]) if len(rows) > limit else None)


@app.get("/v1/missions/{mission_id}")
async def get_mission(session: Planned, mission_id: UUID) -> schemas.MissionOut:
    """Give a mission that the caller may see."""
    replies = func.replies_of(Mission.association_id, datetime.now(UTC)).table_valued("rate").lateral()
    query = select(Mission, replies.c.rate).join(replies, true()).where(Mission.id == mission_id)
    row = (await session.execute(query.options(joinedload(Mission.association)))).one_or_none()
    if row is None:
        raise HTTPException(404)
    mission, rate = row
    fields = {name: getattr(mission, name, None) for name in schemas.MissionOut.model_fields}
    host, inside = (
        mission.association,
        ("contact", "managers", "reserved_to", "problems", "review", "history"),
    )
    return schemas.MissionOut(
        **fields
        | dict.fromkeys((*inside, "live_applications"))
        | {
            "association": {
                "id": host.id,
                "name": host.name,
                "verified": host.state == "verified",
                "reply_rate": rate,
            },
            "location": {
                "label": mission.location_label,
                "postal_code": mission.postal_code,
                "latitude": mission.latitude,
                "longitude": mission.longitude,
            },
            "places_left": mission.places - mission.taken,
            "reserved": bool(mission.reserved_to),
        }
    )


def _write(last: schemas.MissionSummary) -> str:
    payload = f"{last.published_at.isoformat()} {last.id}".encode()
    return urlsafe_b64encode(hmac.digest(SECRET, payload, "sha256") + payload).decode()


def _read(cursor: str) -> tuple[datetime, UUID]:
    raw = urlsafe_b64decode(cursor)
    if not hmac.compare_digest(raw[:32], hmac.digest(SECRET, raw[32:], "sha256")):
        raise HTTPException(400)
    at, last = raw[32:].decode().split()
    return datetime.fromisoformat(at), UUID(last)
