"""The tables that the peer reads, as mapped classes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Text
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
