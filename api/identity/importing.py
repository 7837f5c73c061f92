"""Employees from a file, for a company without a directory to connect: a CSV as its HR exports it (RFC 4180)."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from api.core.actor import Actor
from api.core.database import Connection, retried, transaction
from api.core.language import Words
from api.core.problems import Fault, Invalid
from api.core.schemas import Email
from api.identity.leaving import deactivate, reactivate
from api.identity.schemas import ImportIn, ImportOut
from api.organisations.companies import add_employee
from api.organisations.policy import require_company_role
from api.organisations.queries import get_company
from api.organisations.tables import Employee
from api.people.service import add_person

COLUMNS = ("external_id", "given_name", "family_name", "email", "department", "site", "manager", "active")
MOST = 10_000
LONGEST = 200
ACTIVE = {"": True, "true": True, "1": True, "oui": True, "false": False, "0": False, "non": False}

_PRESENT = """
    SELECT id, external_id, given_name, family_name, coalesce(email, '') AS email,
           coalesce(department, '') AS department, coalesce(site, '') AS site, active,
           coalesce((SELECT m.external_id FROM employee m WHERE m.id = e.manager_id), '') AS manager
    FROM employee e WHERE company_id = $1 AND external_id IS NOT NULL FOR NO KEY UPDATE OF e
"""
_BURIED = """
    SELECT named.key FROM unnest($2::text[]) AS named (key)
    JOIN tombstone t ON t.company_id = $1 AND t.digest = tombstone_digest('external_id', $1::uuid::text, named.key)
    JOIN employee e ON e.id = t.employee_id WHERE e.erased_at IS NOT NULL
"""
_UNKNOWN = Words("No such column.", "Cette colonne n’existe pas.")
_MISSING = Words("This column is missing.", "Cette colonne manque.")
_EMPTY = Words("Say who it is.", "Dites de qui il s’agit.")
_TWICE = Words("This person stands here twice.", "Cette personne figure deux fois.")
_LONG = Words("At most 200 plain characters.", "200 caractères simples au plus.")
_ADDRESS = Words("Not a mail address.", "Ce n’est pas une adresse e-mail.")
_ERASED = Words(
    "They had themselves erased: leave them out, or reactivate them.",
    "Cette personne s’est fait effacer : retirez-la, ou réactivez-la.",
)
_MANAGER = Words("Nobody else of the company bears it.", "Personne d’autre de l’entreprise ne le porte.")
_YES_OR_NO = Words("Write true or false.", "Écrivez oui ou non.")
_MALFORMED = Words(
    "A quote is not closed, stands where none may, or closes too much (RFC 4180).",
    "Un guillemet n’est pas fermé, n’est pas à sa place, ou enferme trop de texte (RFC 4180).",
)
_RAGGED = Words("More values than columns.", "Plus de valeurs que de colonnes.")

Rows = dict[int, dict[str, str]]
"""By line; a column that the file lacks is not in its rows, and stays as it is."""
WRITTEN = ("given_name", "family_name", "email", "department", "site")


@retried
async def import_employees(actor: Actor, company_id: UUID, given: ImportIn) -> ImportOut:
    """Add, edit, deactivate and reactivate the employees of a file, all of them or none, as HR.

    They are known by `external_id`; whoever is not in the file stays as they are. A dry run changes nothing and says
    what would change. Raises NotFound, Forbidden, Invalid with every fault, at `/csv/{line}/{column}`.
    """
    rows, faults = _read(given.csv)
    async with transaction(actor) as connection:
        await get_company(connection, company_id, actor)
        require_company_role(actor, company_id, "hr")
        present = {row["external_id"]: row for row in await connection.fetch(_PRESENT, company_id)}
        async with transaction(_as_system(actor)):
            faults += await _erased(connection, company_id, rows)
        faults += _managers(rows, present.keys() | {row["external_id"] for row in rows.values()})
        if faults:
            raise Invalid(faults=faults[:100])
        counted = Counter(_change(row, present.get(row["external_id"])) for row in rows.values())
        if not given.dry_run:
            async with transaction(_as_system(actor)):
                await _apply(connection, company_id, rows, present)
    return ImportOut(
        dry_run=given.dry_run,
        created=counted["created"],
        updated=counted["updated"],
        deactivated=counted["deactivated"],
        reactivated=counted["reactivated"],
        unchanged=counted["unchanged"],
    )


def _as_system(actor: Actor) -> Actor:
    return msgspec.structs.replace(actor, roles=actor.roles | {"system"})


async def _erased(connection: Connection, company_id: UUID, rows: Rows) -> list[Fault]:
    """Name the lines of people who had themselves erased: a file does not bring them back."""
    keys = [row["external_id"] for row in rows.values()]
    buried = {row["key"] for row in await connection.fetch(_BURIED, company_id, keys)}
    return [
        Fault(f"/csv/{line}/external_id", "erased", _ERASED)
        for line, row in rows.items()
        if row["external_id"] in buried
    ]


def _read(text: str) -> tuple[Rows, list[Fault]]:
    """Give the rows by line, and what is wrong with them; a French spreadsheet separates by semicolons."""
    plain = text.removeprefix("\ufeff")
    first = plain.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    rows: Rows = {}
    try:
        file = csv.DictReader(io.StringIO(plain, newline=""), delimiter=separator, strict=True)
        faults = _columns(file) or list(_fill(rows, file))
    except csv.Error:
        return {}, [Fault(f"/csv/{max(rows, default=1) + 1}", "malformed", _MALFORMED)]
    seen: set[str] = set()
    return rows, faults + [fault for line, row in rows.items() for fault in _faults(line, row, seen)]


def _columns(file: "csv.DictReader[str]") -> list[Fault]:
    """Read the first line, and say what is wrong with it."""
    names = [name.strip().lower() for name in file.fieldnames or []]
    file.fieldnames = names
    unknown = [name for name in names if name not in COLUMNS]
    faults = [Fault(f"/csv/1/{name[:40]}", "unknown-column", _UNKNOWN) for name in unknown]
    return faults + ([] if "external_id" in names else [Fault("/csv/1/external_id", "required", _MISSING)])


def _fill(rows: Rows, file: "csv.DictReader[str]") -> Iterator[Fault]:
    for line, row in enumerate(file, 2):
        if line > MOST + 1:
            words = Words(f"At most {MOST} people a file.", f"{MOST} personnes au plus par fichier.")
            yield Fault("/csv", "too-long", words)
            return
        if None in row:
            yield Fault(f"/csv/{line}", "ragged", _RAGGED)
        rows[line] = {name: (row[name] or "").strip() for name in file.fieldnames or []}
        if "email" in rows[line]:
            rows[line]["email"] = rows[line]["email"].lower()


def _faults(line: int, row: dict[str, str], seen: set[str]) -> Iterator[Fault]:
    key = row["external_id"]
    if not key or key in seen:
        yield Fault(
            f"/csv/{line}/external_id", "required" if not key else "repeated", _TWICE if key else _EMPTY
        )
    seen.add(key)
    for name, text in row.items():
        if len(text) > LONGEST or not text.isprintable():
            yield Fault(f"/csv/{line}/{name}", "too-long", _LONG)
    if row.get("email") and not _is_address(row["email"]):
        yield Fault(f"/csv/{line}/email", "address", _ADDRESS)
    if row.get("active", "").lower() not in ACTIVE:
        yield Fault(f"/csv/{line}/active", "yes-or-no", _YES_OR_NO)


def _is_address(text: str) -> bool:
    try:
        msgspec.convert(text, Email)
    except msgspec.ValidationError:
        return False
    return True


def _managers(rows: Rows, known: set[str]) -> list[Fault]:
    return [
        Fault(f"/csv/{line}/manager", "manager", _MANAGER)
        for line, row in rows.items()
        if row.get("manager") and (row["manager"] not in known or row["manager"] == row["external_id"])
    ]


def _change(row: dict[str, str], present: Any) -> str:
    if present is None:
        return "created"
    active = _active(row, present)
    if active != present["active"]:
        return "reactivated" if active else "deactivated"
    return "updated" if _edits(row, present) or _moves(row, present) else "unchanged"


def _active(row: dict[str, str], present: Any) -> bool:
    if "active" not in row and present is not None:
        return bool(present["active"])
    return ACTIVE[row.get("active", "").lower()]


def _edits(row: dict[str, str], present: Any) -> dict[str, Any]:
    return {
        name: row[name] or (None if name in ("email", "department", "site") else "")
        for name in WRITTEN
        if name in row and row[name] != present[name]
    }


def _moves(row: dict[str, str], present: Any) -> bool:
    return "manager" in row and row["manager"] != (present["manager"] if present else "")


async def _apply(connection: Connection, company_id: UUID, rows: Rows, present: dict[str, Any]) -> None:
    ids = {key: row["id"] for key, row in present.items()}
    for row in rows.values():
        key, before = row["external_id"], present.get(row["external_id"])
        if before is None:
            ids[key] = await _add(company_id, row)
        elif edits := _edits(row, before):
            await Employee.update(dict[Any, Any](edits)).where(Employee.id == ids[key])
    for row in rows.values():
        employee_id, before = ids[row["external_id"]], present.get(row["external_id"])
        if _moves(row, before):
            change: dict[Any, Any] = {Employee.manager_id: ids.get(row["manager"])}
            await Employee.update(change).where(Employee.id == employee_id)
        active = _active(row, before)
        if active and before and not before["active"]:
            await reactivate(company_id, employee_id)
        elif not active:
            await deactivate(company_id, employee_id)


async def _add(company_id: UUID, row: dict[str, str]) -> UUID:
    names = {"given_name": row.get("given_name", ""), "family_name": row.get("family_name", "")}
    person_id = await add_person(**names)
    employee_id = await add_employee(
        company_id,
        person_id,
        email=row.get("email") or None,
        roles=["employee"],
        external_id=row["external_id"],
        **names,
    )
    place: dict[Any, Any] = {name: row.get(name) or None for name in ("department", "site")}
    await Employee.update(place).where(Employee.id == employee_id)
    return employee_id
