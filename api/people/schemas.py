"""Bodies and answers about oneself."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from api.core.schemas import WORDED_LINE, In, Line, Out

PersonName = Annotated[str, Meta(min_length=1, max_length=100, pattern=WORDED_LINE)]


class EmploymentOut(Out, frozen=True, kw_only=True):
    """A job, as the employee sees it."""

    company: UUID
    employee_id: UUID
    roles: list[str]
    active: bool


class MembershipOut(Out, frozen=True, kw_only=True):
    """A seat in an association."""

    association: UUID
    role: str


class MeOut(Out, frozen=True, kw_only=True):
    """Who the caller is and what they may be."""

    id: UUID
    given_name: str
    family_name: str
    emails: list[str]
    language: str
    time_zone: str
    employments: list[EmploymentOut]
    memberships: list[MembershipOut]
    platform_roles: list[str]


class MePatch(In, frozen=True, kw_only=True):
    """What a person may change of themselves."""

    given_name: PersonName | UnsetType = UNSET
    family_name: PersonName | UnsetType = UNSET
    language: Literal["fr", "en"] | UnsetType = UNSET
    time_zone: Line | UnsetType = UNSET
