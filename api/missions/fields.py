"""A mission's fields: as a body names them, merged with what was there, as they are stored."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec

from api.core.ids import new_id
from api.core.schemas import changes, merged
from api.missions import queries
from api.missions.schemas import Contact, Location, MissionFields, Session, SessionIn


def columns_of(fields: dict[str, Any]) -> dict[Any, Any]:
    """Give a mission's fields as they are stored: a location over its columns, documents as JSON."""
    columns: dict[Any, Any] = dict(fields)
    if "location" in fields:
        place = columns.pop("location") or {}
        columns |= {column: place.get(name) for name, column in queries.PLACE.items()}
    for name in queries.DOCUMENTS & columns.keys():
        if columns[name] is not None:
            columns[name] = msgspec.json.encode(columns[name]).decode()
    return columns


def given_in(patch: MissionFields, present: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields that a body names, merged with those present, its documents as they are read back."""
    fields: dict[str, Any] = changes(patch)
    fields.pop("ask_review", None)
    if sessions := fields.get("sessions"):
        fields["sessions"] = sessions_of(sessions)
    if place := fields.get("location"):
        fields["location"] = merged(_place_of(present.get("location"), place), place)
    if contact := fields.get("contact"):
        fields["contact"] = merged(_kept_of(present.get("contact"), contact), contact)
    return fields | {name: msgspec.to_builtins(fields[name]) for name in queries.DOCUMENTS & fields.keys()}


def _place_of(location: dict[str, Any] | None, patch: Location) -> dict[str, Any] | None:
    """Give what a patch of the location merges with: coordinates are of the postcode that they came with."""
    if location and patch.postal_code not in (msgspec.UNSET, location["postal_code"]):
        return location | {"latitude": None, "longitude": None}
    return location


def _kept_of(contact: dict[str, Any] | None, patch: Contact) -> dict[str, Any] | None:
    """Give what a patch of the contact merges with: a member takes the place of who was named, and the reverse."""
    before = contact and contact["person_id"]
    member = str(patch.person_id) if patch.person_id else None
    replaced = member != before if member else before and (patch.name or patch.email)
    return None if replaced else contact


def sessions_of(given: list[SessionIn]) -> list[Session]:
    """Give sessions as they are kept: each with an id, in UTC."""
    return [
        Session(
            id=session.id or new_id(),
            starts_at=session.starts_at.astimezone(UTC),
            ends_at=session.ends_at.astimezone(UTC),
        )
        for session in given
    ]
