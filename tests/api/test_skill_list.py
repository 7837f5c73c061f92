"""The list of skills is loaded from what is shipped, completed from ESCO, pruned, and named by missions."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from api.core.check import violations
from api.core.database import close_pools, open_pools, operations, read
from api.core.problems import Invalid, NotFound
from api.core.settings import Settings
from api.core.signing import trust
from api.skills.esco import Imported, import_esco
from api.skills.queries import get_skill, search_skills
from api.skills.schemas import SkillOut
from api.skills.service import deprecate_skill
from migrations.reference import DATA, load_reference
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned
from tests.make.commands import maillon
from tests.make.served import served
from tests.make.world import World

OFFICIAL = [
    *("conceptType", "conceptUri", "skillType", "reuseLevel", "preferredLabel", "altLabels", "hiddenLabels"),
    *("status", "modifiedDate", "scopeNote", "definition", "inScheme", "description"),
]
"""The columns of ESCO 1.2."""
ACCOUNTING = "http://data.europa.eu/esco/skill/ecc18804-a466-40d9-98b4-fba5cd67dd4b"
PAYROLL = "http://data.europa.eu/esco/skill/9d916d7c-89b3-4084-a6d9-e2b0b3091404"
HASKELL = "http://data.europa.eu/esco/skill/000f1d3d-220f-4789-9c0a-cc742521fb02"
DIPLOMACY = "http://data.europa.eu/esco/skill/0023e7a5-43da-4b68-bee3-726ef21f986d"
LOST = "http://data.europa.eu/esco/skill/00298d97-3dc3-4086-a902-bce0a2fba831"
FRENCH = [
    (ACCOUNTING, "comptabilité", "tenue de livres\ntenue de la comptabilité", "released"),
    (PAYROLL, "gérer la paie", "", "obsolete"),
    (HASKELL, "Haskell", "", "released"),
    (DIPLOMACY, "appliquer des principes diplomatiques", "agir avec diplomatie", "released"),
    (LOST, "mener des enquêtes", "", "obsolete"),
]
ENGLISH = [
    (ACCOUNTING, "accounting", "bookkeeping\nkeeping the books\n\n  keeping  the books ", "released"),
    (PAYROLL, "manage payroll", "oversee payroll", "obsolete"),
    (HASKELL, "Haskell", "", "released"),
    (DIPLOMACY, "apply diplomatic principles", "utilise diplomacy principles", "released"),
    (LOST, "conduct investigations", "", "obsolete"),
]


def official(path: Path, rows: list[tuple[str, str, str, str]], columns: list[str] = OFFICIAL) -> Path:
    """Write a file as ESCO does: a quoted, multi-line cell for the other labels, an empty one where nothing is."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="")
    writer.writeheader()
    for uri, label, others, status in rows:
        known = {"conceptType": "KnowledgeSkillCompetence", "conceptUri": uri, "skillType": "knowledge"}
        writer.writerow(known | {"preferredLabel": label, "altLabels": others, "status": status})
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return official(tmp_path / "skills_fr.csv", FRENCH), official(tmp_path / "skills_en.csv", ENGLISH)


@asynccontextmanager
async def apart(environment: dict[str, str]) -> AsyncIterator[Settings]:
    """Work on a copy of the database, which other tests do not see."""
    async with cloned(environment) as settings:
        trust(settings.secrets)
        await open_pools(settings)
        try:
            yield settings
            assert await violations() == []
        finally:
            await close_pools()


async def skill(skill_id: str) -> SkillOut:
    """Give a skill as the API does."""
    async with read(None) as connection:
        return await get_skill(connection, skill_id, "fr")


async def found(typed: str) -> list[str]:
    """Give the ids that a search finds."""
    async with read(None) as connection:
        return [item.id for item in (await search_skills(connection, typed, "fr", None, 5, None)).items]


async def test_a_matching_skill_gains_names_and_keeps_its_labels(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        before = await skill("accounting")
        imported = await import_esco(*files)
        after = await skill("accounting")
        assert imported == Imported(concepts=5, added=0, completed=2, deprecated=1)
        assert (after.label_fr, after.label_en) == (before.label_fr, before.label_en)
        gained = ["keeping the books", "tenue de la comptabilité", "tenue de livres"]
        assert after.aliases == before.aliases + gained
        assert (await found("tenue de livres"))[0] == "accounting"
        assert await import_esco(*files) == Imported(concepts=5, added=0, completed=0, deprecated=0)


async def test_an_obsolete_concept_deprecates_its_skill(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        assert "payroll" in await found("paie")
        await import_esco(*files)
        assert (await skill("payroll")).deprecated_at is not None
        assert "payroll" not in await found("paie")


async def test_named_concepts_are_added_and_others_are_not(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        assert (await import_esco(*files, [DIPLOMACY])).added == 1
        added = await skill(f"esco-{DIPLOMACY[-36:]}")
        assert (added.label_fr, added.label_en) == (
            "appliquer des principes diplomatiques",
            "apply diplomatic principles",
        )
        assert added.aliases == ["agir avec diplomatie", "utilise diplomacy principles"]
        assert (added.family.id, added.esco_uri) == ("esco", DIPLOMACY)
        assert await found("diplomatie") == [added.id]
        with pytest.raises(NotFound):
            await skill(f"esco-{HASKELL[-36:]}")
        with pytest.raises(Invalid) as refused:
            await import_esco(*files, [DIPLOMACY.replace("0023e7a5", "ffffffff")])
        assert "in neither file" in refused.value.detail


async def test_all_living_concepts_are_added_once(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        assert (await import_esco(*files, None)).added == 2
        assert await import_esco(*files, None) == Imported(concepts=5, added=0, completed=0, deprecated=0)
        with pytest.raises(NotFound):
            await skill(f"esco-{LOST[-36:]}")


async def test_a_later_release_renames_what_was_imported(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        await import_esco(*files, [DIPLOMACY])
        official(files[0], [(DIPLOMACY, "pratiquer la diplomatie", "", "released")])
        assert (await import_esco(*files)).completed >= 1
        renamed = await skill(f"esco-{DIPLOMACY[-36:]}")
        assert renamed.label_fr == "pratiquer la diplomatie"
        assert renamed.aliases == ["utilise diplomacy principles"]


async def test_a_dry_run_counts_and_changes_nothing(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        before = await everything()
        counted = await import_esco(*files, None, dry_run=True)
        assert counted == Imported(concepts=5, added=2, completed=2, deprecated=1)
        assert await everything() == before
        assert await import_esco(*files, None) == counted


async def everything() -> list[Any]:
    """Give every row of the list."""
    async with operations() as connection:
        return list(await connection.fetch("SELECT * FROM skill ORDER BY id"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "columns are missing: altLabels, conceptUri, preferredLabel, status"),
        (b"conceptUri,preferredLabel,altLabels\n", "columns are missing: status"),
        (b"conceptUri;preferredLabel;altLabels;status\n", "columns are missing"),
        (f"conceptUri,preferredLabel,altLabels,status\n{HASKELL},caf\xe9,,".encode("latin-1"), "utf-8"),
        (
            b"conceptUri,preferredLabel,altLabels,status\nhttp://data.europa.eu/esco/occupation/1,x,,released\n",
            "line 2: not the URI of a skill",
        ),
        (
            f"conceptUri,preferredLabel,altLabels,status\n{HASKELL},,,released\n".encode(),
            "no preferred label",
        ),
        (f"conceptUri,preferredLabel,altLabels,status\n{HASKELL}\n".encode(), "no preferred label"),
        (f"conceptUri,preferredLabel,altLabels,status\n{HASKELL},a\x00b,,\n".encode(), "not a label"),
        (f"conceptUri,preferredLabel,altLabels,status\n{HASKELL},{'x' * 501},,\n".encode(), "not a label"),
        (
            f"conceptUri,preferredLabel,altLabels,status\n{HASKELL},{'x' * 200_000},,\n".encode(),
            "field larger",
        ),
    ],
)
async def test_a_file_that_is_not_escos_is_refused_by_name_and_line(
    environment: dict[str, str], files: tuple[Path, Path], content: bytes, said: str
) -> None:
    files[1].write_bytes(content)
    async with apart(environment):
        before = await everything()
        with pytest.raises(Invalid) as refused:
            await import_esco(*files, None)
        told = refused.value.detail
        assert "skills_en.csv" in told
        assert said in told, told
        assert await everything() == before


async def test_a_deprecated_skill_is_shown_with_its_replacement_and_listed_no_more(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment) as settings, served(app, settings) as client:
        await deprecate_skill("no-code", "programming")
        shown = (await client.get("/v1/skills/no-code")).json()
        assert (shown["replaced_by"], shown["deprecated_at"] is None) == ("programming", False)
        for query in ("q=airtable", "family=software&limit=100"):
            listed = (await client.get(f"/v1/skills?{query}")).json()["items"]
            assert "no-code" not in [item["id"] for item in listed], query
        await deprecate_skill("no-code")
        assert (await client.get("/v1/skills/no-code")).json() == shown


async def test_what_a_skill_replaced_follows_it(environment: dict[str, str]) -> None:
    async with apart(environment):
        await deprecate_skill("no-code", "programming")
        await deprecate_skill("programming", "web-development")
        assert (await skill("no-code")).replaced_by == "web-development"
        for replacement in ("programming", "nothing-here", "web-development"):
            with pytest.raises(Invalid):
                await deprecate_skill("web-development", replacement)
        with pytest.raises(NotFound):
            await deprecate_skill("nothing-here")


async def test_what_a_skill_was_called_finds_what_replaced_it(
    environment: dict[str, str], files: tuple[Path, Path]
) -> None:
    async with apart(environment):
        await deprecate_skill("accounting", "budgeting")
        await deprecate_skill("budgeting", "cash-management")
        assert await found("bookkeeping") == ["cash-management"]
        await import_esco(*files)
        assert (await found("keeping the books"))[0] == "cash-management"
        await deprecate_skill("cash-management")
        assert await found("bookkeeping") == []


async def test_the_commands_say_what_they_did(environment: dict[str, str], files: tuple[Path, Path]) -> None:
    async with cloned(environment) as settings:
        urls = {
            "MAILLON_DATABASE_URL": settings.database_url,
            "MAILLON_DATABASE_OPS_URL": str(settings.database_ops_url),
        }
        fr, en = map(str, files)
        given = ["skills", "import-esco", "--fr", fr, "--en", en]
        dry = await command(environment | urls, *given, "--all", "--dry-run")
        assert json.loads(dry) == {"concepts": 5, "added": 2, "completed": 2, "deprecated": 1}
        one = await command(environment | urls, *given, "--add", HASKELL)
        assert json.loads(one)["added"] == 1
        assert (
            await command(environment | urls, "skills", "deprecate", "no-code", "--replaced-by", "wordpress")
            == ""
        )
        refused = await command(
            environment | urls, "skills", "deprecate", "wordpress", "--replaced-by", "no-code"
        )
        assert refused == "Error: Another skill, in use, must replace it.\n"


async def command(environment: dict[str, str], *arguments: str) -> str:
    """Run a command, in a thread as it has an event loop of its own, and give what it printed."""
    ran = await asyncio.to_thread(maillon, environment, *arguments)
    return ran.output


async def load(settings: Settings, environment: dict[str, str]) -> None:
    """Load the shipped files as a migration does, as their owner."""
    name = settings.database_url.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(
        environment["MAILLON_DATABASE_OWNER_URL"].replace("/maillon?", f"/{name}?")
    )
    try:
        async with connection.transaction():
            await load_reference(connection)
    finally:
        await connection.close()


async def test_an_unchanged_file_is_not_loaded_again(environment: dict[str, str]) -> None:
    async with apart(environment) as settings:
        async with operations() as connection:
            rows = "SELECT name, xmin::text FROM reference_data UNION ALL SELECT id, xmin::text FROM skill"
            before = await connection.fetch(rows)
        await load(settings, environment)
        async with operations() as connection:
            assert await connection.fetch(rows) == before


async def test_a_new_release_of_the_list_keeps_what_the_operator_did(
    environment: dict[str, str],
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = json.loads((DATA / "skills.json").read_text())
    by_id = {item["id"]: item for item in shipped["skills"]}
    by_id["accounting"]["fr"] = "Comptabilité générale"
    by_id["no-code"] |= {"aliases": ["Grist", "Baserow"], "esco": DIPLOMACY}
    for path in DATA.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "skills.json").write_text(json.dumps(shipped))
    monkeypatch.setattr("migrations.reference.DATA", tmp_path)
    async with apart(environment) as settings:
        await import_esco(*files, [DIPLOMACY])
        await deprecate_skill("wordpress", "web-development")
        await load(settings, environment)

        accounting, given_over = await skill("accounting"), await skill(f"esco-{DIPLOMACY[-36:]}")
        assert accounting.label_fr == "Comptabilité générale"
        assert "keeping the books" in accounting.aliases
        assert (await skill("no-code")).aliases == ["Grist", "Baserow"]
        kept = await skill("wordpress")
        assert (kept.replaced_by, kept.deprecated_at is None) == ("web-development", False)
        # The list ships by now what the operator had imported: one of the two is in use.
        assert (given_over.replaced_by, given_over.deprecated_at is None) == ("no-code", False)
        assert (await found("Grist"))[0] == "no-code"


def test_every_shipped_skill_has_names_in_both_languages() -> None:
    shipped = json.loads((DATA / "skills.json").read_text())
    families = {family["id"] for family in shipped["families"]}
    assert {item["family"] for item in shipped["skills"]} == families - {"esco"}
    assert 140 <= len(shipped["skills"]) <= 220
    for item in shipped["skills"]:
        assert item["fr"], item
        assert item["en"], item
        assert len(set(item["aliases"])) == len(item["aliases"]) >= 3, item


async def test_a_mission_names_known_skills_in_use(app: Litestar, environment: dict[str, str]) -> None:
    async with cloned(environment) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        named = [{"skill": "web-design", "level": 2, "essential": True}]
        mission = await world.mission(association, publish=False, skills=named)
        path = f"/v1/missions/{mission['id']}"
        assert mission["skills"] == named

        async def edit(body: dict[str, Any]) -> Any:
            tag = (await world.call(association.owner, "GET", path)).headers["etag"]
            return await world.call(association.owner, "PATCH", path, body, if_match=tag)

        for unknown in ("nothing-here", "web"):
            assert_problem(await edit({"skills": [{"skill": unknown}]}), 422, "invalid", "/skills/0/skill")
        made = {
            "association_id": association.id,
            "title": "Une affiche",
            "skills": [{"skill": "nothing-here"}],
        }
        answer = await world.call(association.owner, "POST", "/v1/missions", made)
        assert_problem(answer, 422, "invalid", "/skills/0/skill")

        await deprecate_skill("web-design", "ux-design")
        # What the mission says stays its own, until its skills are edited.
        assert (await edit({"title": "Deux affiches"})).json()["skills"] == named
        assert_problem(
            await edit({"skills": [*named, {"skill": "branding"}]}), 422, "invalid", "/skills/0/skill"
        )
        assert (await edit({"skills": [{"skill": "ux-design"}]})).status_code == 200
        assert await violations() == []


async def test_without_the_guard_a_mission_would_name_anything(
    app: Litestar, environment: dict[str, str]
) -> None:
    """The mutant: the trigger alone keeps the list."""
    removed = "DROP TRIGGER mission_names ON mission"
    async with cloned(environment, removed) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        await world.mission(association, publish=False, skills=[{"skill": "nothing-here"}])
        assert [each.invariant for each in await violations()] == ["missions_name_known_skills"]


async def test_the_application_writes_no_reference_data(environment: dict[str, str]) -> None:
    connection = await asyncpg.connect(environment["MAILLON_DATABASE_URL"])
    try:
        for table in ("skill", "skill_family", "cause", "reference_data"):
            for statement in (f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM {table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE skill SET label_fr = ''")
    finally:
        await connection.close()
