"""What the decoder finds wrong, said for people."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec.inspect
from msgspec.inspect import (
    DictType,
    ListType,
    LiteralType,
    Metadata,
    StructType,
    Type,
    UnionType,
)

from api.core.language import Words
from api.core.schemas import (
    ADDRESS,
    IDENTIFIER,
    LANGUAGE,
    NO_CONTROL,
    NO_CONTROL_BUT_LINES,
    PHONE,
    POSTCODE,
    SKILL,
    WEB,
    WORDED,
    WORDED_LINE,
    YEAR_DAY,
)

ANY_KEY = "[...]"
"""How a path names a value of a dictionary: by no key."""
_KINDS = {
    "str": Words("a text", "un texte"),
    "int": Words("a whole number", "un nombre entier"),
    "float": Words("a number", "un nombre"),
    "bool": Words("true or false", "true ou false"),
    "array": Words("a list", "une liste"),
    "object": Words("an object", "un objet"),
    "date": Words("a day as YYYY-MM-DD", "un jour écrit AAAA-MM-JJ"),
    "datetime": Words("an instant with its offset (RFC 3339)", "un instant avec son décalage (RFC 3339)"),
    "uuid": Words("a UUID", "un UUID"),
    "null": Words("null", "null"),
}
_FORMS = {
    NO_CONTROL: Words("One line, without control characters.", "Une ligne, sans caractères de contrôle."),
    NO_CONTROL_BUT_LINES: Words("No control characters.", "Pas de caractères de contrôle."),
    WORDED_LINE: Words(
        "A line of words, without control characters.", "Une ligne de mots, sans caractères de contrôle."
    ),
    WORDED: Words("Words, without control characters.", "Des mots, sans caractères de contrôle."),
    ADDRESS: Words("Give a mail address.", "Donnez une adresse de courriel."),
    IDENTIFIER: Words(
        "Letters and digits: W and nine digits for an RNA, nine digits for a SIREN, fourteen for a SIRET.",
        "Des lettres et des chiffres : W et neuf chiffres pour un RNA, neuf chiffres pour un SIREN, quatorze pour un "
        "SIRET.",
    ),
    LANGUAGE: Words("The two letters of a language: fr, en.", "Les deux lettres d’une langue : fr, en."),
    PHONE: Words(
        "A telephone number, such as +33 4 72 00 00 00.", "Un numéro de téléphone, comme +33 4 72 00 00 00."
    ),
    POSTCODE: Words("A postcode of five digits.", "Un code postal de cinq chiffres."),
    SKILL: Words(
        "The id of a skill, as listSkills gives it: project-management.",
        "L’id d’une compétence, comme listSkills le donne : project-management.",
    ),
    YEAR_DAY: Words(
        "A month and a day, from 01-01 to 12-28.", "Un mois et un jour (MM-JJ), de 01-01 à 12-28."
    ),
    WEB: Words("Give an address in http:// or https://.", "Donnez une adresse en http:// ou https://."),
}
_SAID = [
    (re.compile(r"Expected `\w+` of length >= 1"), Words("It is empty.", "C’est vide.")),
    (
        re.compile(r"Expected `str` of length <= (?P<bound>\d+)"),
        Words("At most {bound} characters.", "{bound} caractères au plus."),
    ),
    (
        re.compile(r"Expected `str` of length >= (?P<bound>\d+)"),
        Words("At least {bound} characters.", "Au moins {bound} caractères."),
    ),
    (
        re.compile(r"Expected `\w+` of length <= (?P<bound>\d+)"),
        Words("At most {bound} of them.", "{bound} au plus."),
    ),
    (
        re.compile(r"Expected `\w+` of length >= (?P<bound>\d+)"),
        Words("At least {bound} of them.", "Au moins {bound}."),
    ),
    (
        re.compile(r"Expected `\w+` <= (?P<bound>[-.\d]+)"),
        Words("{bound} at the most.", "{bound} au maximum."),
    ),
    (
        re.compile(r"Expected `\w+` >= (?P<bound>[-.\d]+)"),
        Words("{bound} at the least.", "{bound} au minimum."),
    ),
    *(
        (re.compile(re.escape(f"Expected `str` matching regex {pattern!r}")), words)
        for pattern, words in _FORMS.items()
    ),
    (
        re.compile(r"Expected `str` matching regex"),
        Words("It is not written as the reference says.", "Ce n’est pas écrit comme le dit la référence."),
    ),
    (
        re.compile(r"Expected `datetime` with a timezone|Invalid RFC3339 encoded datetime"),
        Words(
            "Give an instant with its offset (RFC 3339).", "Donnez un instant avec son décalage (RFC 3339)."
        ),
    ),
    (
        re.compile(r"Invalid RFC3339 encoded date"),
        Words("Give a day that exists, as YYYY-MM-DD.", "Donnez un jour qui existe, écrit AAAA-MM-JJ."),
    ),
    (re.compile(r"Invalid UUID"), Words("Give a UUID.", "Donnez un UUID.")),
    (
        re.compile(r"(Integer value|Number) out of range"),
        Words("This number is out of range.", "Ce nombre est hors limites."),
    ),
    (re.compile(r"Object missing required field"), Words("This field is missing.", "Ce champ manque.")),
    (re.compile(r"Object contains unknown field"), Words("Unknown field.", "Champ inconnu.")),
]
"""By what msgspec 0.22 says."""
_KIND = re.compile(r"Expected `(?P<kinds>[^`]+)`")
_CHOICE = re.compile(r"Invalid (enum )?value ")


def said(message: str, shape: Any, path: list[str]) -> Words:
    """Say in both languages what the decoder says of the value at a path of a type.

    Where one of some values is expected, they are named; what is not known here is said in the decoder's own words.
    """
    if _CHOICE.match(message) and (known := _choices(shape, path)):
        return Words("One of: {known}.", "L’une de ces valeurs : {known}.").format(known=known)
    for form, words in _SAID:
        if found := form.match(message):
            return words.format(**found.groupdict())
    if found := _KIND.match(message):
        kinds = [_KINDS.get(kind, Words(kind, kind)) for kind in found["kinds"].split(" | ")]
        return Words(
            f"Give {' or '.join(kind.en for kind in kinds)}.",
            f"Donnez {' ou '.join(kind.fr for kind in kinds)}.",
        )
    return Words(message, message)


def _choices(shape: Any, path: list[str]) -> str:
    kinds = list(_alternatives(msgspec.inspect.type_info(shape)))
    for step in path:
        kinds = [inner for kind in kinds for outer in _inside(kind, step) for inner in _alternatives(outer)]
    return ", ".join(str(value) for kind in kinds if isinstance(kind, LiteralType) for value in kind.values)


def _alternatives(kind: Type) -> Iterator[Type]:
    match kind:
        case Metadata(type=inner):
            yield from _alternatives(inner)
        case UnionType(types=types):
            for inner in types:
                yield from _alternatives(inner)
        case _:
            yield kind


def _inside(kind: Type, step: str) -> Iterator[Type]:
    match kind:
        case StructType(fields=fields):
            yield from (field.type for field in fields if field.encode_name == step)
        case ListType(item_type=inner):
            yield inner
        case DictType(value_type=inner) if step == ANY_KEY:
            yield inner
