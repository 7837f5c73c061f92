"""French and English for people: a pair of texts, and which one to show."""

import re
from typing import Literal, NamedTuple

Language = Literal["fr", "en"]
_RANGE = re.compile(
    r"(?P<primary>fr|en)(?:-[a-z0-9-]+)?(?: *; *q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.IGNORECASE,
)


class Words(NamedTuple):
    """The same sentence in English and in French."""

    en: str
    fr: str

    def format(self, **values: object) -> "Words":
        """Fill the placeholders of both texts."""
        return Words(self.en.format(**values), self.fr.format(**values))

    def read(self, language: Language) -> str:
        """Give the text in one language."""
        return self.fr if language == "fr" else self.en


def preferred(accept_language: str, fallback: Language = "en") -> Language:
    """Choose between French and English by an Accept-Language header (RFC 9110 §12.5.4)."""
    best: tuple[float, Language] = (0.0, fallback)
    for item in accept_language.split(",")[:20]:
        if named := _RANGE.fullmatch(item.strip()):
            weight = float(named["weight"] or 1)
            if weight > best[0]:
                best = (weight, "fr" if named["primary"].lower() == "fr" else "en")
    return best[1]
