"""The lifecycle of missions, and the rules a mission obeys before anyone else reads it."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from api.core.actor import Actor
from api.core.language import Words
from api.core.lifecycle import move
from api.core.problems import Fault, NotFound

SUBMIT = move("submitted", "draft", "rejected")
PUBLISH = move("published", "submitted")
REJECT = move("rejected", "submitted")
PAUSE = move("paused", "published")
RESUME = move("published", "paused")
START = move("in_progress", "published", "paused")
COMPLETE = move("completed", "in_progress")
CANCEL = move("cancelled", "submitted", "published", "paused", "in_progress")
EDITABLE = frozenset({"draft", "rejected", "submitted", "published", "paused"})

EFFORT = {
    "consultation": (30, 120),
    "short": (60, 1_440),
    "project": (600, 24_000),
    "mentoring": (60, 12_000),
    "team_day": (180, 720),
}
"""Minutes for one place, least and most, by format: an hour, three days, six months part time, a day."""

_CONTACT = re.compile(r"[^\s@]@[^\s@]{1,100}?\.\w{2,}|(?:\+33|\b0)\s?[1-9](?:[\s.-]?\d{2}){4}\b")
_LINK = re.compile(r"https?://|\bwww\.|\bforms\.gle\b|\bgoogle\.com/forms|\bframaforms\b", re.IGNORECASE)

REQUIRED = {
    "format": Words("Choose a format.", "Choisissez un format."),
    "effort_minutes": Words("Say how many minutes it takes.", "Indiquez le temps nécessaire, en minutes."),
    "starts_on": Words("Say when it starts.", "Indiquez le premier jour."),
    "regimes": Words(
        "Say on whose time: working or personal.", "Indiquez le cadre : temps de travail ou personnel."
    ),
    "description": Words("Describe the need.", "Décrivez le besoin."),
}


def require_sight(viewer: Actor | None, mission: Mapping[str, Any]) -> None:
    """Show what was published once to all, the rest to its association, and to moderators but for drafts.

    Raises NotFound.
    """
    if mission["published_at"] is not None:
        return
    moderates = viewer is not None and "moderator" in viewer.roles and mission["state"] != "draft"
    if not moderates and (viewer is None or mission["association_id"] not in viewer.memberships):
        raise NotFound


def broken_rules(mission: dict[str, Any], today: date) -> list[Fault]:
    """Name every rule that a mission breaks, all at once; an empty list lets it go further."""
    return [*_missing(mission), *_wording(mission), *_dates(mission, today), *_effort(mission)]


def _missing(mission: dict[str, Any]) -> Iterator[Fault]:
    for field, words in REQUIRED.items():
        if not mission[field]:
            yield Fault(f"/{field}", "required", words)


def _wording(mission: dict[str, Any]) -> Iterator[Fault]:
    if len(mission["title"].split()) < 2:
        yield Fault(
            "/title",
            "title-too-short",
            Words("A title of two words or more.", "Un titre d’au moins deux mots."),
        )
    if 0 < len(mission["description"]) < 30:
        words = Words(
            "Describe the need in 30 characters or more.", "Décrivez le besoin en au moins 30 caractères."
        )
        yield Fault("/description", "too-short", words)
    for field in ("title", "summary", "description", "deliverable"):
        if _CONTACT.search(mission[field]):
            words = Words(
                "No address or number here: contacts are shown once somebody is accepted.",
                "Ni adresse ni numéro ici : les contacts s’affichent une fois la personne acceptée.",
            )
            yield Fault(f"/{field}", "contact-details", words)
        if _LINK.search(mission[field]):
            words = Words(
                "No link here: people apply on Maillon.", "Pas de lien ici : on candidate sur Maillon."
            )
            yield Fault(f"/{field}", "link", words)


def _dates(mission: dict[str, Any], today: date) -> Iterator[Fault]:
    for field in ("starts_on", "ends_on", "apply_by"):
        if mission[field] and mission[field] < today:
            yield Fault(f"/{field}", "in-the-past", Words("This day is past.", "Ce jour est passé."))
    if mission["starts_on"] and mission["ends_on"] and mission["ends_on"] < mission["starts_on"]:
        yield Fault(
            "/ends_on", "before-start", Words("It ends before it starts.", "La fin précède le début.")
        )


def _effort(mission: dict[str, Any]) -> Iterator[Fault]:
    if mission["format"] and mission["effort_minutes"]:
        least, most = EFFORT[mission["format"]]
        if not least <= mission["effort_minutes"] <= most:
            words = Words(
                "This format takes {least} to {most} minutes.",
                "Ce format demande de {least} à {most} minutes.",
            ).format(least=least, most=most)
            yield Fault("/effort_minutes", "out-of-bounds", words)
