"""Whether somebody may apply: the mission is open to them, and their company and the mission to how they would."""

from uuid import UUID

import asyncpg
import msgspec

from api.applications.schemas import ApplicationIn
from api.core import clock
from api.core.actor import Actor
from api.core.language import Words
from api.core.problems import Fault, Forbidden, Invalid, NotFound, Problem, WrongState, repeated
from api.missions.schemas import Session


class DeclinedBefore(Problem):
    """The association declined the person for this mission; it alone can reopen the application."""

    status = 409
    slug = "declined-before"
    title = Words(
        "The association has declined you for this one", "L’association n’a pas retenu votre candidature"
    )


class ApplicationsClosed(Problem):
    """The last day to apply is past, or every session is over."""

    status = 409
    slug = "applications-closed"
    title = Words("The last day to apply is past", "La date limite de candidature est passée")


def require_admission(actor: Actor, given: ApplicationIn, facts: asyncpg.Record) -> None:
    """Let an application in by what it is decided by, read under its locks.

    Raises NotFound, Forbidden, WrongState, ApplicationsClosed, DeclinedBefore, Invalid.
    """
    sessions = msgspec.json.decode(facts["sessions"], type=list[Session])
    _require_open(actor, facts, sessions)
    if faults := [*_session_faults(given.sessions, sessions), *_regime_faults(given.regime, facts)]:
        raise Invalid(faults=faults)


def _require_open(actor: Actor, facts: asyncpg.Record, sessions: list[Session]) -> None:
    if facts["reserved_to"] and actor.company_id not in facts["reserved_to"]:
        raise NotFound
    if facts["association_id"] in actor.memberships:
        raise Forbidden(Words("It is your own association.", "C’est votre propre association."))
    if facts["state"] != "published":
        raise WrongState(state=facts["state"], allowed=["published"])
    if clock.today(facts["time_zone"]) > (facts["apply_by"] or facts["starts_on"]):
        raise ApplicationsClosed
    if sessions and all(session.ends_at <= clock.now() for session in sessions):
        raise ApplicationsClosed(Words("Its sessions are over.", "Ses sessions sont terminées."))
    if facts["declined"]:
        raise DeclinedBefore


def _session_faults(wanted: list[UUID], offered: list[Session]) -> list[Fault]:
    known = {session.id for session in offered}
    open_ = {session.id for session in offered if session.ends_at > clock.now()}
    unknown = Words("The mission has no such session.", "La mission n’a pas cette session.")
    over = Words("This session is over.", "Cette session est terminée.")
    return [
        Fault(f"/sessions/{place}", *(("in-the-past", over) if session in known else ("unknown", unknown)))
        for place, session in enumerate(wanted)
        if session not in open_
    ] + repeated("/sessions/{}", wanted)


def _regime_faults(regime: str, facts: asyncpg.Record) -> list[Fault]:
    if regime not in facts["regimes"]:
        words = Words("The mission is not offered this way.", "La mission n’est pas proposée dans ce cadre.")
    elif regime not in facts["allowed_regimes"]:
        words = Words("Your company does not allow it.", "Votre entreprise ne le permet pas.")
    elif regime == "working_time" and not _allows(facts):
        words = Words(
            "Your company does not allow this mission on working time.",
            "Votre entreprise n’ouvre pas cette mission au temps de travail.",
        )
    else:
        return []
    return [Fault("/regime", "not-allowed", words)]


def _allows(facts: asyncpg.Record) -> bool:
    formats, causes, associations = (
        facts[f"allowed_{name}"] for name in ("formats", "causes", "associations")
    )
    return (
        (formats is None or facts["format"] in formats)
        and (causes is None or bool(set(facts["causes"]) & set(causes)))
        and (associations is None or facts["association_id"] in associations)
    )
