"""The peer's answers."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class MissionSummary(BaseModel):
    """A mission found."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    version: int
    association_id: UUID
    association_name: str
    title: str
    summary: str
    format: str
    causes: list[str]
    skills: list[str]
    places: int
    places_left: int
    effort_minutes: int
    regimes: list[str]
    remote: str
    location_label: str | None
    postal_code: str | None
    starts_on: date
    ends_on: date | None
    apply_by: date | None
    languages: list[str]
    published_at: datetime
    distance_km: float | None = None


class Found(BaseModel):
    """A page of missions."""

    items: list[MissionSummary]
    next: str | None = None


class AssociationOut(BaseModel):
    """The association of a mission."""

    id: UUID
    name: str
    verified: bool
    reply_rate: float | None


class Location(BaseModel):
    """Where a mission takes place."""

    label: str | None
    postal_code: str | None
    latitude: float | None
    longitude: float | None


class MissionOut(BaseModel):
    """A mission, as anybody but its association reads it."""

    id: UUID
    version: int
    state: str
    state_reason: str | None
    association: AssociationOut
    title: str
    summary: str
    description: str
    deliverable: str
    format: str | None
    causes: list[str]
    places: int
    places_left: int
    effort_minutes: int | None
    regimes: list[str]
    remote: str
    location: Location | None
    time_zone: str
    starts_on: date | None
    ends_on: date | None
    apply_by: date | None
    languages: list[str]
    created_at: datetime
    published_at: datetime | None
    template: str | None
    prerequisites: list[dict[str, Any]]
    steps: list[str]
    skills: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    reserved: bool
    problems: None = None
    contact: None = None
    managers: None = None
    reserved_to: None = None
    live_applications: None = None
    review: None = None
    history: None = None


class ApplicationIn(BaseModel):
    """An application: on whose time, why, to which sessions."""

    model_config = ConfigDict(extra="forbid")
    regime: Literal["working_time", "personal_time"]
    message: str = Field(default="", max_length=2000)
    sessions: list[UUID] = Field(default=[], max_length=100)


class AppliedTo(BaseModel):
    """The mission applied to."""

    title: str
    association: str
    starts_on: date | None
    ends_on: date | None


class Applicant(BaseModel):
    """The applicant."""

    id: UUID
    name: str
    email: str | None


class Step(BaseModel):
    """A step of the application's history."""

    state: str
    reason: str | None
    at: datetime


class ApplicationOut(BaseModel):
    """An application just made, as its applicant reads it."""

    id: UUID
    version: int
    state: str
    reason: None = None
    mission_id: UUID
    mission: AppliedTo
    person: Applicant
    regime: str
    legal_form: str | None
    employer_approval: str
    employer_reason: None = None
    message: str
    contact: None = None
    created_at: datetime
    approval_due_at: datetime | None
    reply_due_at: datetime
    offer_expires_at: None = None
    waitlist_position: None = None
    sessions: list[UUID]
    agreed: None = None
    convention: None = None
    warnings: list[Any] = []
    history: list[Step]
