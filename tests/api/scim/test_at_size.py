"""A directory of 50 000: what a directory asks all day is read along an index, within the walls, and in little time."""

import time
from collections.abc import AsyncIterator

import pytest
from scim2_models import SearchRequest

from api.core.actor import system
from api.core.database import Connection, close_pools, open_pools, transaction
from api.core.ids import new_id
from api.identity.scim.description import PROVIDER, Employee
from api.identity.scim.filters import where
from api.identity.scim.storage import Directory
from api.identity.scim.users import COLUMNS
from tests.make.clone import cloned

COMPANY, OTHER = new_id(), new_id()
# Two companies alike: an index that forgot the company would read twice as much.
PEOPLED = f"""
    INSERT INTO company (id, slug, name, siren, created_at)
    VALUES ('{COMPANY}', 'une', 'Une', '1', now()), ('{OTHER}', 'autre', 'Autre', '2', now());
    INSERT INTO employee (id, company_id, person_id, email, email_key, external_id, user_name_key, created_at,
                          updated_at)
    SELECT uuidv7(), c.id, uuidv7(), 'U-' || n || '@x.example', 'u-' || n || '@x.example', 'oid-' || n,
           'u-' || n || '@x.example', now(), now()
    FROM generate_series(1, 50000) n, company c WHERE c.slug IN ('une', 'autre');
"""
INDEXES = {
    'userName eq "U-40000@x.example"': {"employee_user_name"},
    'externalId eq "oid-40000"': {"employee_external_id_unique"},
    'emails.value eq "U-40000@x.example"': {"employee_email"},
    'emails[type eq "work" and value eq "u-40000@x.example"]': {"employee_email"},
    'id eq "{id}"': {"employee_in_company", "employee_pkey", "employee_tenant"},
}


@pytest.fixture(scope="module")
async def large(environment: dict[str, str]) -> AsyncIterator[None]:
    async with cloned(environment, PEOPLED, "ANALYZE employee") as settings:
        await open_pools(settings)
        yield
        await close_pools()


@pytest.mark.usefixtures("large")
async def test_one_of_fifty_thousand_is_found_by_an_index() -> None:
    async with transaction(system(company_id=COMPANY)) as connection:
        wanted = await connection.fetchval("SELECT id FROM employee WHERE external_id = 'oid-40000'")
        for text, names in INDEXES.items():
            search = SearchRequest[Employee].model_validate({"filter": text.replace("{id}", str(wanted))})
            condition = where(COLUMNS, Employee, search, COMPANY)
            query = (
                "SELECT id FROM employee WHERE company_id = $1 AND deleted_at IS NULL AND " + condition.sql
            )
            plan = await _plan(connection, query, *condition.values)
            assert any(name in plan for name in names), plan
            assert "Seq Scan" not in plan, plan
            found = await connection.fetch(query, *condition.values)
            assert [row["id"] for row in found] == [wanted]


@pytest.mark.usefixtures("large")
async def test_a_page_of_fifty_thousand_is_read_along_the_index() -> None:
    async with transaction(system(company_id=COMPANY)) as connection:
        query = """SELECT id FROM employee WHERE company_id = $1 AND deleted_at IS NULL AND true
                   ORDER BY id LIMIT $2 OFFSET $3"""
        plan = await _plan(connection, query, COMPANY, 100, 200)
    assert "Sort" not in plan, plan


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    "asked", [{"startIndex": 49_901}, {"filter": 'userName co "9999"'}, {"sortBy": "name.familyName"}]
)
async def test_any_search_answers_a_page_of_itself(asked: dict[str, object]) -> None:
    users = PROVIDER.resource_types[:1]
    directory = Directory(COMPANY)
    began = time.perf_counter()
    with PROVIDER:
        search = SearchRequest[Employee].model_validate({"count": 100, **asked})
        async with directory.operation():
            page = await directory.search(list(users), search)
    assert 0 < len(page.resources) <= 100
    assert time.perf_counter() - began < 2


async def _plan(connection: Connection, query: str, *values: object) -> str:
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    return "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + query, *values))
