"""Who may do what to associations, companies and employees; what identifiers must look like."""

import re
from uuid import UUID
from zoneinfo import ZoneInfo

from stdnum.exceptions import ValidationError
from stdnum.fr import siren as siren_number
from stdnum.fr import siret as siret_number

from api.core import clock
from api.core.actor import Actor
from api.core.language import Words
from api.core.lifecycle import move
from api.core.problems import Fault, Forbidden, Invalid, NotFound, Problem

VERIFY = move("verified", "unverified")
REFUSE = move("refused", "unverified")
SUSPEND = move("suspended", "verified")
REINSTATE = move("verified", "suspended")
CLOSE = move("closed", "unverified", "verified", "refused", "suspended")

UNKNOWN_POSTAL_CODE = (
    "unknown-postal-code",
    Words("No postcode of a French commune.", "Ce n’est le code postal d’aucune commune française."),
)
"""The code and the words of the fault."""
NOT_EMPLOYED = Words("You have left this company.", "Vous avez quitté cette entreprise.")


class EmployeeErased(Problem):
    """The employee had themselves erased: no directory brings them back, only HR does."""

    status = 409
    slug = "employee-erased"
    title = Words("This person was erased", "Cette personne a été effacée")


class AlreadyRegistered(Problem):
    """Another association or company bears this identifier."""

    status = 409
    slug = "already-registered"
    title = Words("It is registered already", "Elle est déjà enregistrée")


_BORNE = {
    f"{table}_{kind}_unique": kind
    for table, kind in (
        ("association", "rna"),
        ("association", "siret"),
        ("company", "slug"),
        ("company", "siren"),
    )
}
"""The identifier that a unique constraint keeps to one body."""
_FORMS = {
    "rna": Words("an RNA is W and nine digits", "un RNA est W suivi de neuf chiffres"),
    "siren": Words("a SIREN is nine digits", "un SIREN compte neuf chiffres"),
    "siret": Words("a SIRET is fourteen digits", "un SIRET compte quatorze chiffres"),
}
"""How each identifier is written; the last digit of a SIREN and of a SIRET checks the others."""
_RNA = re.compile(r"W\d[0-9A-Z]\d{7}")


def require_member(actor: Actor, association_id: UUID, *roles: str) -> None:
    """Let in the association's members, those of the roles where some are named; raises Forbidden."""
    role = actor.memberships.get(association_id)
    if role is None or (roles and role not in (*roles, "system")):
        raise Forbidden


def require_keeper(actor: Actor, role: str | None, *, owner_left: bool) -> None:
    """Let in an owner, or a moderator from outside where no owner is left; raises Forbidden."""
    recovers = role is None and not owner_left and "moderator" in actor.roles
    if role != "owner" and not recovers:
        raise Forbidden


def require_employee(actor: Actor, company_id: UUID) -> None:
    """Let in the company's own people; raises Forbidden."""
    if actor.company_id != company_id:
        raise Forbidden


def require_company_role(actor: Actor, company_id: UUID, *roles: str) -> None:
    """Let in employees of the company who hold one of the roles; raises Forbidden."""
    if not actor.has_company_role(company_id, *roles):
        raise Forbidden


def require_administration_kept(
    actor: Actor, employee_id: UUID, present: list[str], roles: list[str]
) -> None:
    """Let nobody take their own administrator's role away, who may be the last to have it; raises Forbidden."""
    own = actor.employment is not None and actor.employment.employee_id == employee_id
    if own and "company_admin" in set(present) - set(roles):
        raise Forbidden(
            Words(
                "Another administrator takes this role away from you.",
                "C’est à un autre administrateur de vous retirer ce rôle.",
            )
        )


def require_other_employee(actor: Actor, employee_id: UUID) -> None:
    """Let nobody deactivate themselves, who may be the last to let anybody in; raises Forbidden."""
    if actor.employment is not None and actor.employment.employee_id == employee_id:
        raise Forbidden(
            Words(
                "Somebody else deactivates you: HR, or your company’s directory.",
                "C’est à quelqu’un d’autre de vous désactiver : les RH, ou l’annuaire de l’entreprise.",
            )
        )


def require_sight_of_company(actor: Actor, company_id: UUID) -> None:
    """Show a company to its own people and to administrators alone; raises NotFound."""
    if actor.company_id != company_id and "admin" not in actor.roles:
        raise NotFound


def require_sight_of_employee(
    actor: Actor, company_id: UUID, employee_id: UUID, manager_id: UUID | None
) -> None:
    """Show an employee to themselves, their manager, HR and administrators; raises NotFound."""
    own = actor.employment is not None and actor.employment.employee_id in (employee_id, manager_id)
    answers = actor.has_company_role(company_id, "hr", "company_admin")
    if actor.company_id != company_id or not (own or answers or "system" in actor.roles):
        raise NotFound


def require_sight_of_association(viewer: Actor | None, association_id: UUID, state: str) -> None:
    """Hide a refused association from all but its members and the platform; raises NotFound."""
    if state == "refused" and not (
        viewer and (association_id in viewer.memberships or viewer.roles & {"moderator", "admin"})
    ):
        raise NotFound


def require_outsider(actor: Actor, association_id: UUID) -> None:
    """Keep a moderator from judging a body they belong to; raises Forbidden."""
    if association_id in actor.memberships:
        raise Forbidden(Words("You belong to this association.", "Vous êtes membre de cette association."))


def registered_already(kinds: list[str]) -> AlreadyRegistered:
    """Make the answer to identifiers that another body bears, each pointed at."""
    words = Words("Another body bears it.", "Un autre organisme le porte déjà.")
    return AlreadyRegistered(faults=[Fault(f"/{kind}", "taken", words) for kind in kinds])


def registered_by(constraint: str | None) -> AlreadyRegistered:
    """Make the answer to what a unique constraint refused."""
    return registered_already([_BORNE[constraint]] if constraint in _BORNE else [])


def check_identifiers(**given: str | None) -> dict[str, str | None]:
    """Give the identifiers in compact form; raises Invalid naming every one that cannot exist."""
    compact = {kind: re.sub(r"\s", "", text).upper() if text else None for kind, text in given.items()}
    faults = [
        Fault(
            f"/{kind}",
            "identifier",
            Words(
                f"This {kind.upper()} cannot exist: {_FORMS[kind].en}.",
                f"Ce {kind.upper()} est impossible : {_FORMS[kind].fr}.",
            ),
        )
        for kind, text in compact.items()
        if text and not _exists(kind, text)
    ]
    siren, siret = compact.get("siren"), compact.get("siret")
    if siren and siret and not siret.startswith(siren) and not faults:
        words = Words("It does not begin with the SIREN.", "Il ne commence pas par le SIREN.")
        faults = [Fault("/siret", "of-another-siren", words)]
    if faults:
        raise Invalid(faults=faults)
    return compact


def _exists(kind: str, text: str) -> bool:
    if kind == "rna":
        return bool(_RNA.fullmatch(text))
    try:
        (siren_number if kind == "siren" else siret_number).validate(text)
    except ValidationError:
        return False
    return True


def check_time_zone(name: str) -> ZoneInfo:
    """Give the IANA time zone of a name; raises Invalid."""
    if name not in clock.time_zones():
        raise Invalid(
            faults=[
                Fault(
                    "/time_zone", "time-zone", Words("Not an IANA time zone.", "Ce fuseau IANA n’existe pas.")
                )
            ]
        )
    return ZoneInfo(name)
