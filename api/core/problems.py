"""Problem documents (RFC 9457): what a refused request is told, in its reader's language."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec
from litestar.exceptions import HTTPException

from api.core.language import Language, Words


class Fault(msgspec.Struct, frozen=True):
    """One broken rule: a JSON pointer (RFC 6901) into the request, a stable code, an explanation.

    `excerpts`: what breaks it, wherever it stands, where that can be told.
    """

    pointer: str
    code: str
    words: Words
    excerpts: tuple[str, ...] = ()


_TWICE = Words("Given twice.", "Donné deux fois.")


def repeated(pointer: str, values: Sequence[object]) -> list[Fault]:
    """Name every value of a list that came before; `pointer` holds `{}` for its place."""
    return [
        Fault(pointer.format(place), "repeated", _TWICE)
        for place, value in enumerate(values)
        if value in values[:place]
    ]


class Problem(HTTPException):
    """A refusal with a documented type; subclasses stand beside the rule they report.

    `advice`: what can be done, the detail where nothing more precise is said.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "problem"
    title: ClassVar[Words] = Words("Problem", "Problème")
    advice: ClassVar[Words | None] = None

    def __init__(
        self,
        words: Words | None = None,
        *,
        faults: list[Fault] | None = None,
        headers: dict[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(
            detail=words.en if words else self.title.en, status_code=self.status, headers=headers or {}
        )
        self.words = words or self.advice
        self.faults = faults
        self.members = members

    def document(self, language: Language) -> dict[str, Any]:
        """Give the members of the problem document in a language."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title.read(language),
            "status": self.status,
        }
        if self.words:
            document["detail"] = self.words.read(language)
        if self.faults is not None:
            document["errors"] = [
                {"pointer": fault.pointer, "code": fault.code, "detail": fault.words.read(language)}
                for fault in self.faults
            ]
        return document | self.members


class Malformed(Problem):
    """The request cannot be read: not JSON, not UTF-8, a broken cursor or header."""

    status = 400
    slug = "malformed"
    title = Words("The request cannot be read", "La requête est illisible")


class Unauthenticated(Problem):
    """No credential, or one that is not valid any more (RFC 6750)."""

    status = 401
    slug = "unauthenticated"
    title = Words("Sign in first", "Connectez-vous d’abord")

    def __init__(self, words: Words | None = None, *, error: str | None = None) -> None:
        challenge = f'Bearer realm="maillon", error="{error}"' if error else 'Bearer realm="maillon"'
        super().__init__(words, headers={"WWW-Authenticate": challenge})


class Forbidden(Problem):
    """The object is visible to the caller, the act is not theirs."""

    status = 403
    slug = "forbidden"
    title = Words("This is not yours to do", "Cette action ne vous revient pas")


class NotFound(Problem):
    """Nothing there, or nothing that the caller may see."""

    status = 404
    slug = "not-found"
    title = Words("Nothing here", "Rien ici")


class MethodNotAllowed(Problem):
    """The path exists, not with this method; `Allow` lists the others."""

    status = 405
    slug = "method-not-allowed"
    title = Words("This address does not take this method", "Cette adresse n’accepte pas cette méthode")


class WrongState(Problem):
    """The object's state does not allow the act; carries `state` and the `allowed` ones."""

    status = 409
    slug = "wrong-state"
    title = Words("Its state does not allow it", "Son état ne le permet pas")


class VersionChanged(Problem):
    """If-Match names another version than the present one."""

    status = 412
    slug = "version-changed"
    title = Words("Somebody changed it meanwhile", "Quelqu’un l’a modifié entre-temps")


class TooLarge(Problem):
    """The body is over the limit."""

    status = 413
    slug = "too-large"
    title = Words("The body is too large", "Le corps de la requête est trop grand")


class UnsupportedMedia(Problem):
    """A body that is not application/json."""

    status = 415
    slug = "unsupported-media"
    title = Words("Send application/json", "Envoyez application/json")


class Invalid(Problem):
    """The request can be read and breaks rules, each named in `errors`."""

    status = 422
    slug = "invalid"
    title = Words("The request breaks a rule", "La requête enfreint une règle")


@contextmanager
def gathered(faults: list[Fault]) -> Iterator[None]:
    """Keep what the block finds invalid, to be said with what else is."""
    try:
        yield
    except Invalid as error:
        faults += error.faults or []


class VersionRequired(Problem):
    """An edit without If-Match (RFC 6585)."""

    status = 428
    slug = "version-required"
    title = Words("Say which version you edit: If-Match", "Dites quelle version vous modifiez : If-Match")


class TooManyRequests(Problem):
    """Asked too often; ask again after `Retry-After` seconds (RFC 6585)."""

    status = 429
    slug = "too-many-requests"
    title = Words("Too often: wait a little", "Trop souvent : patientez un peu")

    def __init__(self, words: Words | None = None, *, seconds: int = 60) -> None:
        super().__init__(words, headers={"Retry-After": str(max(1, seconds))})


class Unexpected(Problem):
    """A fault of ours; nothing was kept of the request."""

    status = 500
    slug = "unexpected"
    title = Words("Something went wrong on our side", "Une erreur est survenue de notre côté")


class Unavailable(Problem):
    """A part is away for a moment; ask again after `Retry-After` seconds."""

    status = 503
    slug = "unavailable"
    title = Words("Ask again in a moment", "Réessayez dans un instant")

    def __init__(self, words: Words | None = None) -> None:
        super().__init__(words, headers={"Retry-After": "2"})
