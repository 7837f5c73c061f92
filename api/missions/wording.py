"""The rules on what a mission says: words enough, and nobody's contact before somebody is accepted."""

import re
import unicodedata
from collections.abc import Iterator
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from api.core.language import Words
from api.core.problems import Fault

CONTESTABLE = frozenset({"title-too-short", "contact-details", "link"})
"""The rules on wording: a moderator decides where the author contests them (`ask_review`)."""

_ADDRESS = re.compile(
    r"[^\s@] ?@ ?[^\s@]{1,100}?\.\w{2,}"
    # as one spells it to keep machines from reading it
    r"|\w ?(?:[\[({] ?(?:at|arobase) ?[\])}]|\barobase\b) ?[\w.-]{1,100}?"
    r"(?:\.| ?[\[({] ?(?:dot|point) ?[\])}] ?| point )\w{2,}",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<!\w)0[1-9](?:[\s./()-]{0,2}\d){8}(?!\d)"  # as written in France
    r"|(?:\+|(?<!\w)00)[1-9](?:[\s./()-]{0,2}\d){8,14}(?!\d)"  # with the code of a country (ITU-T E.164)
)
_DAY_OR_HOUR = re.compile(
    r"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d|(?:19|20)\d\d-[01]\d-[0-3]\d"
    r"|(?:[01]?\d|2[0-3])\s?[:h]\s?[0-5]\d)(?!\d)"
)
_LINK = re.compile(r"(?:https?://|\bwww\.)[^\s/?#]*", re.IGNORECASE)


def _forms() -> re.Pattern[str]:
    lines = (resources.files("api.missions") / "forms.txt").read_text().splitlines()
    known = "|".join(re.escape(line) for line in lines if not line.startswith("#"))
    return re.compile(rf"(?<![\w-])(?:{known})(?![\w-])", re.IGNORECASE)


_FORM = _forms()
"""Links that need no scheme to be followed."""


def broken_wording(mission: dict[str, Any]) -> Iterator[Fault]:
    """Name what is wrong with the words of a mission, which may link to its association's own pages."""
    if sum(any(char.isalnum() for char in word) for word in visible(mission["title"]).split()) < 2:
        yield Fault(
            "/title",
            "title-too-short",
            Words("A title of two words or more.", "Un titre d’au moins deux mots."),
        )
    if 0 < len(visible(mission["description"])) < 30:
        words = Words(
            "Describe the need in 30 characters or more.", "Décrivez le besoin en au moins 30 caractères."
        )
        yield Fault("/description", "too-short", words)
    own = {_host(mission["website"] or "")} - {None}
    for pointer, written in _texts(mission):
        text = visible(unicodedata.normalize("NFKC", written))
        if found := [*_ADDRESS.findall(text), *_PHONE.findall(_DAY_OR_HOUR.sub("x", text))]:
            words = Words(
                "No address or number here: contacts are shown once somebody is accepted.",
                "Ni adresse ni numéro ici : les contacts s’affichent une fois la personne acceptée.",
            )
            yield Fault(pointer, "contact-details", words, tuple(found))
        links = [_host(link) or link for link in _LINK.findall(text)]
        if found := [*_FORM.findall(text), *(link for link in links if link not in own)]:
            words = Words(
                "No link here: people apply on Maillon.", "Pas de lien ici : on candidate sur Maillon."
            )
            yield Fault(pointer, "link", words, tuple(found))


def visible(text: str) -> str:
    """Give what a reader sees of a text: words a space apart, without characters that show nothing."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _host(link: str) -> str | None:
    """Give the host of a link, with or without its scheme and `www`; None where it has none that can be read."""
    try:
        host = urlsplit(link if "://" in link else f"//{link}").hostname
    except ValueError:
        return None
    return host.rstrip(".,;:!)").removeprefix("www.") if host else None


def _texts(mission: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("title", "summary", "description", "deliverable"):
        yield f"/{field}", mission[field]
    yield "/location/label", mission["location_label"] or ""
    for place, item in enumerate(mission["prerequisites"]):
        yield f"/prerequisites/{place}/text", item["text"]
    for place, text in enumerate(mission["steps"]):
        yield f"/steps/{place}", text
