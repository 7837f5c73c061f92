"""Use cases of a mission's text: writing, editing, copying and deleting it."""

from typing import Any, get_args
from uuid import UUID

import asyncpg

from api.core import clock
from api.core.actor import Actor
from api.core.database import Connection, read, transaction
from api.core.ids import new_id
from api.core.language import Words
from api.core.outbox import record
from api.core.problems import Fault, Invalid, Problem, VersionChanged, WrongState, gathered
from api.missions import policy, queries
from api.missions.facts import Agreed, MissionChanged
from api.missions.fields import columns_of, given_in
from api.missions.lifecycle import LIVELY, enter, require_rules, under_review
from api.missions.schemas import (
    MissionIn,
    MissionOut,
    MissionPatch,
)
from api.missions.tables import Mission
from api.missions.templates import living_templates, template_fields
from api.organisations.policy import UNKNOWN_POSTAL_CODE, check_time_zone, require_member
from api.organisations.queries import association_state
from api.organisations.schemas import both_regimes

DEFAULTS: dict[str, Any] = {"regimes": both_regimes(), "languages": ["fr"], "time_zone": "Europe/Paris"}
"""What a draft says where neither its author nor its template does."""
_COPIED = """
    SELECT association_id, title, summary, description, deliverable, prerequisites, steps, format, causes,
           living_skills(skills) AS skills, places, effort_minutes, regimes, remote, location_label,
           (SELECT min(postal_code) FROM commune WHERE postal_code = mission.postal_code) AS postal_code,
           latitude, longitude, time_zone, languages, contact, managers, reserved_to, template
    FROM mission WHERE id = $1
"""
_REFUSALS = {
    "mission_point_is_whole": (
        "/location",
        "half-a-point",
        Words("A point has a latitude and a longitude.", "Un point a une latitude et une longitude."),
    ),
    "mission_managers_are_members": (
        "/managers/{}",
        "not-a-member",
        Words("A manager is a member of the association.", "Un responsable est membre de l’association."),
    ),
    "mission_contact_is_member": (
        "/contact/person_id",
        "not-a-member",
        Words("The contact is a member of the association.", "Le contact est membre de l’association."),
    ),
    "mission_reserved_to_companies": (
        "/reserved_to/{}",
        "unknown-company",
        Words("No such company.", "Cette entreprise n’existe pas."),
    ),
    "mission_skills_known": (
        "/skills/{}/skill",
        "unknown-skill",
        Words(
            "A skill of the list, which is not deprecated.", "Une compétence de la liste, qui a encore cours."
        ),
    ),
    "mission_postal_code_known": ("/location/postal_code", *UNKNOWN_POSTAL_CODE),
}
"""What the database refuses of a mission's text, by the name of the constraint."""
_NAMED = frozenset(_REFUSALS) - {"mission_point_is_whole"}
_OUT_OF_BOUNDS = Words("Out of the format’s bounds.", "Hors des limites du format.")
_REFUSALS |= {
    "mission_effort_of_format": ("/effort_minutes", "out-of-bounds", _OUT_OF_BOUNDS),
    "mission_places_of_format": ("/places", "out-of-bounds", _OUT_OF_BOUNDS),
    "mission_days_of_format": ("/ends_on", "out-of-bounds", _OUT_OF_BOUNDS),
}


_RUNNING = Words(
    "In progress, `places`, `contact` and `managers` alone change; days and effort are proposed to each person"
    " (proposeChange).",
    "En cours, seuls `places`, `contact` et `managers` changent ; jours et durée se proposent à chaque personne"
    " (proposeChange).",
)
_OVER = Words(
    "It is over: duplicate it to offer it again.",
    "Elle est terminée : dupliquez-la pour la proposer à nouveau.",
)
_APPLIED = Words(
    "Fixed since people applied: {fields}. Duplicate the mission to offer it otherwise.",
    "Fixé depuis que des personnes ont candidaté : {fields}. Dupliquez la mission pour la proposer autrement.",
)
_TAKEN = Words(
    "Places taken: {taken}. Keep as many, or end engagements first.",
    "Places prises : {taken}. Gardez-en autant, ou mettez d’abord fin à des engagements.",
)
_FLAGGED = Words("The moderators keep it for now.", "La modération la conserve pour l’instant.")
_AGREED = Words(
    "People who agreed to sessions that would go, and to no other: {people}. Propose a change to each, or end their"
    " engagement first.",
    "Personnes engagées pour ces seules sessions, qui disparaîtraient : {people}. Proposez un changement à chacune, ou"
    " mettez d’abord fin à son engagement.",
)


class PlacesTaken(Problem):
    """Fewer places than are `taken` already."""

    status = 409
    slug = "places-taken"
    title = Words("More places are taken already", "Davantage de places sont déjà prises")


class PeopleApplied(Problem):
    """Somebody applied to the mission as it is; `fields` are those that are fixed since."""

    status = 409
    slug = "people-applied"
    title = Words("People have applied to it as it is", "Des personnes y ont candidaté telle quelle")


class SessionAgreed(Problem):
    """Somebody agreed to the sessions that an edit removes, and to no other; `people` counts them."""

    status = 409
    slug = "session-agreed"
    title = Words("Somebody agreed to that session alone", "Quelqu’un s’est engagé pour cette seule session")


async def create_mission(actor: Actor, given: MissionIn) -> MissionOut:
    """Write a draft, which may be incomplete, from a template if one is named; raises NotFound, Forbidden, Invalid."""
    faults: list[Fault] = []
    begun: dict[str, Any] = {}
    with gathered(faults):
        begun = await _begun(actor, given.template)
    fields = DEFAULTS | begun | given_in(given, {})
    with gathered(faults):
        check_time_zone(fields["time_zone"])
    return await _insert(actor, given.association_id, columns_of(fields), faults)


async def _begun(actor: Actor, template: str | None) -> dict[str, Any]:
    if template is None:
        return {}
    async with read(actor) as connection:
        return template_fields(await living_templates(connection), template, actor.language)


async def duplicate_mission(actor: Actor, mission_id: UUID) -> MissionOut:
    """Copy a mission of one's association into a new draft, without its days; raises NotFound, Forbidden.

    Of a skill deprecated since, it names the replacement, or nothing; nor does it take over a postcode that is none.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_member(actor, present["association_id"])
        copied = await connection.fetchrow(_COPIED, mission_id)
        return await _insert(actor, present["association_id"], dict(copied), [])


async def _insert(
    actor: Actor, association_id: UUID, columns: dict[str, Any], faults: list[Fault]
) -> MissionOut:
    """Insert a draft, unless there are faults: they are said with those that the database finds."""
    mission = Mission(id=new_id(), created_by=actor.author, created_at=clock.now(), **columns)
    try:
        async with transaction(actor) as connection:
            await association_state(connection, association_id, actor)
            require_member(actor, association_id)
            await Mission.insert(mission)
            if faults:
                raise Invalid(faults=faults)
            return await queries.get_mission(connection, mission.id, actor)
    except asyncpg.CheckViolationError as error:
        raise _refusal(error, faults) from None


async def update_mission(actor: Actor, mission_id: UUID, given: MissionPatch, edited: int) -> MissionOut:
    """Edit a mission; a submitted one becomes a draft. Like a published one, it comes to break no rule it obeyed.

    Whoever applied is told when days, effort or place change. An unverified association's new text is shown to a
    moderator again, and so is that of a mission which a moderator paused. A text that comes to break rules on wording
    must `ask_review`: it pauses a published mission, out of sight of whoever has not applied, until a moderator
    publishes it or the next edit breaks them no more, which puts it back by itself.
    Raises NotFound, Forbidden, WrongState, VersionChanged, Invalid, PlacesTaken, PeopleApplied,
    SessionAgreed.
    """
    try:
        async with transaction(actor) as connection:
            present = queries.unpacked(await enter(connection, mission_id, actor))
            require_member(actor, present["association_id"])
            if present["version"] != edited:
                raise VersionChanged
            present["location"] = queries.location_of(present)
            edits = {
                name: value for name, value in given_in(given, present).items() if value != present[name]
            }
            if "time_zone" in edits:
                check_time_zone(edits["time_zone"])
            columns = columns_of(edits)
            _require_editable(present, edits)
            after = (
                present | edits | {"location_label": columns.get("location_label", present["location_label"])}
            )
            contested: list[str] = []
            if present["state"] not in ("draft", "rejected"):
                contested = require_rules(after, present, ask_review=given.ask_review)
            if present["state"] in policy.OPEN:
                columns |= await _follow_edit(connection, actor, present, after, contested)
            elif present["state"] in ("submitted", "rejected") and edits:
                columns |= {"state": "draft", "state_reason": None} | under_review([])
            if columns:
                await Mission.update(columns).where(Mission.id == mission_id)
            return await queries.get_mission(connection, mission_id, actor)
    except asyncpg.CheckViolationError as error:
        raise _refusal(error, [], present["taken"]) from None


async def _follow_edit(
    connection: Connection, actor: Actor, present: dict[str, Any], after: dict[str, Any], contested: list[str]
) -> dict[Any, Any]:
    """Show what was published to a moderator again, or tell those who applied; gives the columns that say so."""
    columns: dict[Any, Any] = {}
    edits = {name for name in after if after[name] != present[name]}
    if policy.TEXTS & edits:
        host = await association_state(connection, present["association_id"], actor)
        columns |= _follow_text(present, contested, host)
    told: list[Agreed] = [name for name in get_args(Agreed) if name in edits]
    if present["live"] and told:
        columns["changed_at"] = clock.now()
        ids = {"mission_id": present["id"], "association_id": present["association_id"]}
        await record(MissionChanged(**ids, fields=told))
    return columns


def _follow_text(present: dict[str, Any], contested: list[str], host: str) -> dict[str, Any]:
    """Give why a moderator is to read a new text, and the pause until then of what it contests, or its end."""
    read = "edited" in present["review_reasons"] or host == "unverified" or policy.is_held(present)
    columns = under_review([*contested, *(["edited"] if read else [])])
    if contested and present["state"] == "published":
        columns |= {"state": "paused", "state_reason": policy.CONTESTED}
    elif not contested and present["state"] == "paused" and present["state_reason"] == policy.CONTESTED:
        living = {"state": "published", "state_reason": None}
        columns |= living if host in LIVELY else {"state_reason": "association_suspended"}
    return columns


def _require_editable(present: dict[str, Any], edits: dict[str, Any]) -> None:
    """Let an edit through that the mission's state, and those who applied to it, leave open."""
    allowed = policy.EDITABLE if edits.keys() <= policy.WHILE_RUNNING else policy.EDITABLE - {"in_progress"}
    if present["state"] not in allowed:
        words = _RUNNING if present["state"] in policy.EDITABLE else _OVER
        raise WrongState(words, state=present["state"], allowed=sorted(allowed))
    fixed = sorted(name for name in policy.FIXED & edits.keys() if not _widens(present, name, edits[name]))
    if fixed and (present["live"] or present["taken"]):
        raise PeopleApplied(_APPLIED.format(fields=", ".join(fixed)), fields=fixed)


def _widens(present: dict[str, Any], name: str, value: Any) -> bool:
    """Tell whether an edit leaves the mission open to whoever it was open to."""
    if name == "reserved_to":
        return not value or (bool(present[name]) and set(value) >= set(present[name]))
    return name == "regimes" and set(value) >= set(present[name])


async def delete_mission(actor: Actor, mission_id: UUID, asked: int | None) -> None:
    """Delete a draft, or what a moderator sent back: neither was public. Anything else is cancelled instead.

    Raises NotFound, Forbidden, WrongState, VersionChanged.
    """
    async with transaction(actor) as connection:
        present = await enter(connection, mission_id, actor)
        require_member(actor, present["association_id"])
        if asked is not None and asked != present["version"]:
            raise VersionChanged
        if present["state"] not in policy.UNSEEN:
            raise WrongState(state=present["state"], allowed=sorted(policy.UNSEEN))
        try:
            await Mission.delete().where(Mission.id == mission_id)
        except asyncpg.ForeignKeyViolationError:
            # A flag of a moderator, who saw it while it was submitted.
            raise WrongState(_FLAGGED, state=present["state"], allowed=sorted(policy.UNSEEN)) from None


def _refusal(error: asyncpg.CheckViolationError, faults: list[Fault], taken: int = 0) -> Problem:
    if error.constraint_name == "mission_places_not_oversold":
        return PlacesTaken(_TAKEN.format(taken=taken), taken=taken)
    if error.constraint_name == "application_keeps_a_session":
        people = int(error.detail or 0)
        return SessionAgreed(_AGREED.format(people=people), people=people)
    if error.constraint_name not in _REFUSALS:
        raise error
    # The trigger on names says all that are broken, each with its place in its list, from 1 on.
    said = (error.detail or "").split() if error.constraint_name in _NAMED else [f"{error.constraint_name}:1"]
    return Invalid(faults=[*faults, *(_broken(*each.split(":")) for each in said)])


def _broken(name: str, place: str) -> Fault:
    pointer, code, words = _REFUSALS[name]
    return Fault(pointer.format(int(place) - 1), code, words)
