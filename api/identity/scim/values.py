"""What users and groups share: versions, references to employees, bounded texts."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from scim2_models import InvalidValueException, Meta, NotFoundException, PreconditionFailedException

from api.identity.scim.filters import read_id

LONGEST = 200


def meta_of(kind: str, row: asyncpg.Record) -> Meta:
    """Give the metadata of a row, whose version is an ETag that changes with every edit."""
    created: datetime = row["created_at"]
    version = f'W/"{row["version"]}"'
    return Meta(resource_type=kind, created=created, last_modified=row["updated_at"], version=version)


def found(kind: str, row: asyncpg.Record | None, expected_version: str | None = None) -> asyncpg.Record:
    """Give the row of a resource; raises NotFoundException, PreconditionFailedException."""
    if row is None:
        raise NotFoundException(detail=f"No such {kind}")
    if expected_version is not None and expected_version != meta_of(kind, row).version:
        raise PreconditionFailedException
    return row


def read_reference(attribute: str, text: str | None) -> UUID:
    """Give the id that refers to a User; raises InvalidValueException."""
    read = read_id(text)
    if read is None:
        raise InvalidValueException(attribute=attribute, detail=f"{attribute} names no User")
    return read


def bounded(required: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Give the fields, an empty text as none at all; raises InvalidValueException.

    That is for an endless text, and for a blank one where it is required.
    """
    if not fields[required].strip():
        raise InvalidValueException(detail=f"{required} is blank")
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > LONGEST:
            raise InvalidValueException(detail=f"{name} takes {LONGEST} characters at most")
    return {name: value or None if isinstance(value, str) else value for name, value in fields.items()}
