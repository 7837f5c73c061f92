"""French and English for people: a pair of texts, and which one to show."""

from typing import Literal, NamedTuple

Language = Literal["fr", "en"]


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
        tag, _, quality = item.strip().partition(";q=")
        primary = tag.split("-")[0].lower()
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if primary in ("fr", "en") and weight > best[0]:
            best = (weight, "fr" if primary == "fr" else "en")
    return best[1]
