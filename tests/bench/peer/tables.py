"""The tables that the peer reads, as mapped classes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import DateTime, FetchedValue, ForeignKey, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The registry."""

    type_annotation_map = {
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Text),
        list[dict[str, Any]]: JSONB,
    }


class Association(Base):
    """An organisation that hosts missions."""

    __tablename__ = "association"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]


class Described:
    """What a mission says, in its own table and where it is found."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    title: Mapped[str]
    summary: Mapped[str]
    format: Mapped[str]
    causes: Mapped[list[str]]
    places: Mapped[int]
    effort_minutes: Mapped[int]
    regimes: Mapped[list[str]]
    remote: Mapped[str]
    location_label: Mapped[str | None]
    postal_code: Mapped[str | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    apply_by: Mapped[date | None]
    languages: Mapped[list[str]]
    published_at: Mapped[datetime]


class Mission(Described, Base):
    """A mission, behind row-level security."""

    __tablename__ = "mission"
    association_id: Mapped[UUID] = mapped_column(ForeignKey("association.id"))
    association: Mapped[Association] = relationship(lazy="raise")
    state: Mapped[str]
    state_reason: Mapped[str | None]
    description: Mapped[str]
    deliverable: Mapped[str]
    taken: Mapped[int]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    time_zone: Mapped[str]
    created_at: Mapped[datetime]
    template: Mapped[str | None]
    prerequisites: Mapped[list[dict[str, Any]]]
    steps: Mapped[list[str]]
    skills: Mapped[list[dict[str, Any]]]
    sessions: Mapped[list[dict[str, Any]]]
    reserved_to: Mapped[list[UUID]]


class Company(Base):
    """An employer."""

    __tablename__ = "company"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    time_zone: Mapped[str]


class Employee(Base):
    """A person's job."""

    __tablename__ = "employee"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"))
    company: Mapped[Company] = relationship(lazy="raise")
    manager_id: Mapped[UUID | None]
    given_name: Mapped[str]
    family_name: Mapped[str]
    email: Mapped[str | None]


class Policy(Base):
    """What a company allows, from a day on."""

    __tablename__ = "policy"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID]
    effective_from: Mapped[date]
    regimes: Mapped[list[str]]
    legal_form: Mapped[str]
    approval: Mapped[str]
    approval_days: Mapped[int]
    formats: Mapped[list[str] | None]
    causes: Mapped[list[str] | None]
    associations: Mapped[list[UUID] | None]


class Application(Base):
    """One person's wish to take one place of one mission."""

    __tablename__ = "application"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    mission_id: Mapped[UUID]
    association_id: Mapped[UUID]
    company_id: Mapped[UUID]
    employee_id: Mapped[UUID]
    manager_id: Mapped[UUID | None]
    person_id: Mapped[UUID]
    applicant_name: Mapped[str]
    applicant_email: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=FetchedValue())
    regime: Mapped[str]
    legal_form: Mapped[str | None]
    employer_approval: Mapped[str]
    message: Mapped[str]
    wanted_sessions: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    created_at: Mapped[datetime]
    reply_due_at: Mapped[datetime]
    approval_due_at: Mapped[datetime | None]
    approval_asked_at: Mapped[datetime | None]


class StateEvent(Base):
    """A step of somebody's or something's history."""

    __tablename__ = "state_event"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    object: Mapped[str]
    object_id: Mapped[UUID]
    to_state: Mapped[str]
    reason: Mapped[str | None]
    at: Mapped[datetime]


class Fact(Base):
    """What happened, for workers to react to."""

    __tablename__ = "outbox"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    fact: Mapped[str]
    payload: Mapped[bytes]
    company_id: Mapped[UUID | None]
    association_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    about: Mapped[UUID | None]


class IdempotencyKey(Base):
    """An answer kept under the key that its request carried."""

    __tablename__ = "idempotency_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    key: Mapped[str]
    fingerprint: Mapped[bytes]
    status: Mapped[int]
    headers: Mapped[bytes]
    body: Mapped[bytes]
    created_at: Mapped[datetime]


class Searched(Described):
    """What a search reads of a mission."""

    association_id: Mapped[UUID]
    association_name: Mapped[str]
    skills: Mapped[list[str]]
    places_left: Mapped[int]
    closes_at: Mapped[datetime]


class MissionSearch(Searched, Base):
    """A mission that anyone finds."""

    __tablename__ = "mission_search"


class MissionReserved(Searched, Base):
    """A mission that the employees of some companies find, behind row-level security."""

    __tablename__ = "mission_reserved"
