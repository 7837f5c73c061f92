"""The peer's applying: the same rules, locks, limits, fact and kept answer, as an ORM's users write them."""

import json
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, HTTPException, Request, Response
from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from tests.bench.peer.schemas import Applicant, ApplicationIn, ApplicationOut, AppliedTo, Step
from tests.bench.peer.tables import (
    Application,
    Employee,
    Fact,
    IdempotencyKey,
    Mission,
    Policy,
    StateEvent,
)
from tests.bench.peer.walls import Walled

router = APIRouter()
REPLY_WITHIN = timedelta(days=7)


@router.post("/v1/missions/{mission_id}/applications", status_code=201, response_model=ApplicationOut)
async def apply_to_mission(
    session: Walled,
    request: Request,
    mission_id: UUID,
    given: ApplicationIn,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    """Apply to a published mission, once for a key."""
    key = f"applyToMission {idempotency_key}"
    fingerprint = sha256(
        f"POST {request.url.path}?{request.url.query}\n".encode() + await request.body()
    ).digest()
    if idempotency_key and (kept := await _kept(session, key)):
        if kept.fingerprint != fingerprint:
            raise HTTPException(422)
        return Response(kept.body, kept.status, json.loads(kept.headers), "application/json")
    application = await _apply(session, mission_id, given)
    body = application.model_dump_json().encode()
    headers = {"Location": f"/v1/applications/{application.id}"}
    if idempotency_key:
        session.add(
            IdempotencyKey(
                person_id=session.info["actor"].person_id,
                key=key,
                fingerprint=fingerprint,
                status=201,
                headers=json.dumps(headers).encode(),
                body=body,
                created_at=datetime.now(UTC),
            )
        )
    await session.commit()
    return Response(body, 201, headers, "application/json")


async def _kept(session: AsyncSession, key: str) -> IdempotencyKey | None:
    person = session.info["actor"].person_id
    claim = func.pg_try_advisory_xact_lock(func.hashtextextended(f"{person} {key}", 0))
    if not await session.scalar(select(claim)):
        raise HTTPException(409)
    mine = (IdempotencyKey.person_id == person) & (IdempotencyKey.key == key)
    kept: IdempotencyKey | None = await session.scalar(select(IdempotencyKey).where(mine))
    return kept


async def _apply(session: AsyncSession, mission_id: UUID, given: ApplicationIn) -> ApplicationOut:
    actor, now = session.info["actor"], datetime.now(UTC)
    if actor.employee_id is None:
        raise HTTPException(403)
    await session.execute(select(func.lock_employee(actor.employee_id)))
    await session.execute(select(func.lock_mission(mission_id)))
    mission = await session.get(Mission, mission_id, options=[joinedload(Mission.association)])
    await _require_open(session, mission)
    assert mission
    if not {str(each) for each in given.sessions} <= {each["id"] for each in mission.sessions}:
        raise HTTPException(422)
    employee = await session.get_one(Employee, actor.employee_id, options=[joinedload(Employee.company)])
    rules = await _rules(session, employee)
    await _require_allowed(session, mission, rules, employee, given.regime)
    working = given.regime == "working_time"
    asked = working and rules.approval != "automatic"
    application = Application(
        mission_id=mission.id,
        association_id=mission.association_id,
        company_id=actor.company_id,
        employee_id=employee.id,
        person_id=actor.person_id,
        regime=given.regime,
        message=given.message,
        wanted_sessions=given.sessions,
        created_at=now,
        reply_due_at=now + REPLY_WITHIN,
        applicant_name=f"{employee.given_name} {employee.family_name}".strip(),
        applicant_email=employee.email,
        manager_id=employee.manager_id if rules.approval == "manager" else None,
        legal_form=rules.legal_form if working else None,
        employer_approval=("pending" if asked else "approved") if working else "not_required",
        approval_due_at=_approval_due(mission, rules, now) if asked else None,
        approval_asked_at=now if asked else None,
    )
    session.add(application)
    try:
        await session.flush()
    except IntegrityError as error:
        inactive = "application_of_active_employee" in str(error.orig)
        raise HTTPException(403 if inactive else 409) from None
    session.add_all(
        _facts(application, ["ApplicationSubmitted", *(["EmployerApprovalAsked"] if asked else [])])
    )
    steps = select(StateEvent).where(
        StateEvent.object == "application", StateEvent.object_id == application.id
    )
    history = await session.scalars(steps.order_by(StateEvent.at, StateEvent.id))
    shown = _shown(application, mission, [Step(state=s.to_state, reason=s.reason, at=s.at) for s in history])
    shown.warnings = await session.scalar(select(func.overlaps_of(application.id))) or []
    return shown


async def _require_open(session: AsyncSession, mission: Mission | None) -> None:
    actor = session.info["actor"]
    if mission is None or (mission.reserved_to and actor.company_id not in mission.reserved_to):
        raise HTTPException(404)
    if str(mission.association_id) in (actor.memberships or ""):
        raise HTTPException(403)
    today = datetime.now(ZoneInfo(mission.time_zone)).date()
    if mission.state != "published" or today > (mission.apply_by or mission.starts_on):
        raise HTTPException(409)
    mine = (Application.mission_id == mission.id) & (Application.person_id == actor.person_id)
    if await session.scalar(select(exists().where(mine, Application.state == "declined"))):
        raise HTTPException(409)


async def _rules(session: AsyncSession, employee: Employee) -> Policy:
    today = datetime.now(ZoneInfo(employee.company.time_zone)).date()
    of_company = Policy.company_id == employee.company_id
    rules = select(Policy).where(of_company, Policy.effective_from <= today)
    found: Policy = (await session.scalars(rules.order_by(Policy.effective_from.desc()).limit(1))).one()
    return found


async def _require_allowed(
    session: AsyncSession, mission: Mission, rules: Policy, employee: Employee, regime: str
) -> None:
    allowed = regime in mission.regimes and regime in rules.regimes
    if regime == "working_time":
        allowed = allowed and (
            (rules.formats is None or mission.format in rules.formats)
            and (rules.causes is None or bool(set(mission.causes) & set(rules.causes)))
            and (rules.associations is None or mission.association_id in rules.associations)
        )
        year = func.year_of(employee.company_id, mission.starts_on)
        minutes = func.exceeded(employee.company_id, employee.id, year, mission.effort_minutes)
        if await session.scalar(select(minutes)):
            raise HTTPException(409)
    if not allowed:
        raise HTTPException(422)


def _approval_due(mission: Mission, rules: Policy, now: datetime) -> datetime:
    first = datetime.combine(mission.starts_on, time.min, ZoneInfo(mission.time_zone))
    due = now + timedelta(days=rules.approval_days)
    return min(due, first).astimezone(UTC) if first > now else due


def _facts(application: Application, names: list[str]) -> list[Fact]:
    named: dict[str, Any] = {
        "application_id": str(application.id),
        "association_id": str(application.association_id),
        "company_id": str(application.company_id),
    }
    return [
        Fact(
            fact=name,
            payload=json.dumps(named).encode(),
            company_id=application.company_id,
            association_id=application.association_id,
            recorded_at=datetime.now(UTC),
            about=application.id,
        )
        for name in names
    ]


def _shown(application: Application, mission: Mission, history: list[Step]) -> ApplicationOut:
    return ApplicationOut(
        id=application.id,
        version=application.version,
        state=application.state,
        mission_id=mission.id,
        mission=AppliedTo(
            title=mission.title,
            association=mission.association.name,
            starts_on=mission.starts_on,
            ends_on=mission.ends_on,
        ),
        person=Applicant(
            id=application.person_id, name=application.applicant_name, email=application.applicant_email
        ),
        regime=application.regime,
        legal_form=application.legal_form,
        employer_approval=application.employer_approval,
        message=application.message,
        created_at=application.created_at,
        approval_due_at=application.approval_due_at,
        reply_due_at=application.reply_due_at,
        sessions=application.wanted_sessions,
        history=history,
    )
