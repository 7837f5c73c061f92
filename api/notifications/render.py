"""Texts of notices and mails: `templates/<kind>.<language>.txt`, first the title on a line, then the text."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

from api.core.language import Language, Words

_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}

_NAMELESS = Words("somebody whose name we do not have", "une personne dont nous n’avons pas le nom")
_OPENS = Words("Open in Maillon", "Ouvrir dans Maillon")


class Notice(NamedTuple):
    """A notice as a person reads it."""

    title: str
    text: str


def render(kind: str, language: Language, values: dict[str, object]) -> Notice:
    """Write the notice of a kind in a language; what people wrote stays on its line."""
    template = _templates().get_template(f"{kind}.{language}.txt")
    given = {name: _one_line(value) for name, value in values.items()}
    nameless = given.get("applicant") == ""
    if nameless:
        given["applicant"] = _NAMELESS.read(language)
    title, _, text = (
        part.strip() for part in template.render(given, language=language).strip().partition("\n")
    )
    return Notice(_capital(title), _capital(text)) if nameless else Notice(title, text)


def render_html(subject: str, text: str, language: Language, public_url: str, link: str | None) -> str:
    """Lay a mail's text out as a small HTML page, with what it leads to; everything in it is escaped."""
    paragraphs = text.split("\n\n")
    return (
        _templates()
        .get_template("layout.html")
        .render(
            subject=subject,
            paragraphs=paragraphs,
            language=language,
            public_url=public_url,
            link=link,
            opens=_OPENS.read(language),
        )
    )


def duration(minutes: int, language: Language) -> str:
    """Write a duration given in minutes: 150 is “2 h 30” in French, “2 h 30 min” in English."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}\u00a0min"
    if not rest:
        return f"{hours}\u00a0h"
    return f"{hours}\u00a0h\u00a0{rest:02}" + ("\u00a0min" if language == "en" else "")


def day(value: date, language: Language) -> str:
    """Write a day: “1er mars 2027”, “1 March 2027”."""
    number = "1er" if value.day == 1 and language == "fr" else str(value.day)
    return f"{number}\u00a0{_MONTHS[language].split()[value.month - 1]}\u00a0{value.year}"


def de(name: str) -> str:
    """Write “of somebody” in French: “de Papyrus”, “d’Emmaüs”."""
    return f"d’{name}" if normalize("NFD", name)[:1].lower() in set("aeiou") else f"de {name}"


def du(body: str) -> str:
    """Write “of a body” in French, whose name may begin with an article: “du Relais”, “des Amis du lac”."""
    for article, of in (("Le ", "du "), ("Les ", "des ")):
        if body.startswith(article):
            return of + body.removeprefix(article)
    return de(body)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _one_line(value: object) -> object:
    if isinstance(value, list):
        return [_one_line(item) for item in value]
    return " ".join(value.split()) if isinstance(value, str) else value


@cache
def _templates() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "day": day, "de": de, "du": du}
    return environment
