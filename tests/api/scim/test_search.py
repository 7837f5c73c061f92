"""Finding in a directory: filters as the library evaluates them, stable pages, orders."""

from typing import Any

from scim2_models import Path, ScimFilter

from api.identity.scim import groups, users
from api.identity.scim.description import PROVIDER, Employee, Group
from tests.make.directory import ENTERPRISE, MAILLON, Directory, directory_of
from tests.make.world import World

PEOPLE: list[dict[str, Any]] = [
    {"userName": "Ada", "externalId": "X-1", "name": {"givenName": "Ada", "familyName": "Lovelace"}},
    {"userName": "bob", "externalId": "x-1", "active": False, MAILLON: {"site": "Lyon", "grade": "B2"}},
    {
        "userName": "eve%",
        "emails": [{"value": "Eve@b.example", "type": "work"}],
        "preferredLanguage": "fr-FR",
    },
    {"userName": "élise_", "name": {"familyName": "Édouard"}, ENTERPRISE: {"department": "Achats"}},
    {"userName": "zoé", ENTERPRISE: {"employeeNumber": "007", "department": "achats"}},
]
FILTERS = [
    'userName eq "ADA"', 'userName ne "ada"', 'userName co "É"', 'userName sw "e"', 'userName ew "%"',
    'userName gt "bob"', 'userName le "bob"', 'userName co "_"', "userName pr", 'externalId eq "X-1"',
    'externalId ne "X-1"', 'externalId co "x"', "externalId eq null", "externalId pr", "not (externalId pr)",
    "active eq true", "active ne true", 'name.familyName eq "lovelace"', "name pr", "not (name pr)",
    'name.givenName ne "Ada"', 'emails.value eq "eve@B.example"', 'emails co "@b."', 'emails[type eq "work"]',
    'emails[type eq "work" and value co "eve"]', 'emails[not (type eq "work")]', "emails pr",
    'emails.value ne "x"', 'emails[value sw "x" or type eq "work"]', 'preferredLanguage sw "fr"',
    f'{ENTERPRISE}:department eq "ACHATS"', f"{ENTERPRISE}:manager pr", f'{ENTERPRISE}:employeeNumber eq "007"',
    f'{MAILLON}:site eq "lyon" and active eq false', f"not ({MAILLON}:grade pr) and userName pr",
    'userName eq "ada" or (userName eq "bob" and active eq true)', 'meta.created gt "2020-01-01T00:00:00Z"',
    'meta.lastModified lt "2020-01-01T00:00:00Z"', 'meta.resourceType eq "User"', 'id eq "no-id"', 'id ne "no-id"',
    'not (name.familyName eq "lovelace" or externalId eq "x-1")', 'userName eq "\\u0041da"',
]  # fmt: skip


async def peopled(world: World) -> Directory:
    directory = await directory_of(world, await world.company())
    for fields in PEOPLE:
        await directory.user(**{"user_name": "", **fields})
    return directory


async def test_filters_find_what_the_librarys_own_evaluation_finds(world: World) -> None:
    directory = await peopled(world)
    everybody = (await directory.ok("GET", "/Users"))["Resources"]
    assert len(everybody) == len(PEOPLE) + 1
    with PROVIDER:
        read = [Employee.model_validate(each) for each in everybody]
        wanted = {
            text: {user.id for user in read if ScimFilter[Employee](text).match(user)} for text in FILTERS
        }

    found = {text: {each["id"] for each in await directory.find("Users", text)} for text in FILTERS}

    assert found == wanted
    assert len({frozenset(ids) for ids in wanted.values()}) > 10


async def test_members_are_found_by_their_id(world: World) -> None:
    directory = await directory_of(world, await world.company())
    ada, bob = await directory.user("ada"), await directory.user("bob")
    mine, empty = await directory.group("Une", ada["id"]), await directory.group("Vide")

    async def found(text: str) -> list[str]:
        return [each["id"] for each in await directory.find("Groups", text)]

    for text in (f'members eq "{ada["id"]}"', f'members[value eq "{ada["id"]}"]', "members pr"):
        assert await found(text) == [mine["id"]]
    assert await found(f'members.value ne "{ada["id"]}"') == [empty["id"]]
    assert await found(f'displayName eq "une" and members eq "{bob["id"]}"') == []
    answer = await directory.call("GET", '/Groups?filter=members co "a"')
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


async def test_pages_are_stable_and_bounded(world: World) -> None:
    directory = await directory_of(world, await world.company())
    for number in range(7):
        await directory.user(f"personne-{number}")

    async def page(start: int, count: int) -> tuple[int, list[str]]:
        seen = await directory.ok("GET", f'/Users?startIndex={start}&count={count}&filter=userName sw "pers"')
        return seen["totalResults"], [each["userName"] for each in seen.get("Resources", [])]

    whole = [name for start in (1, 4, 7) for name in (await page(start, 3))[1]]
    assert whole == [f"personne-{number}" for number in range(7)]
    assert await page(1, 0) == (7, [])
    assert await page(100, 5) == (7, [])
    assert await page(-5, 2) == (7, ["personne-0", "personne-1"])
    assert len((await page(1, 1_000_000))[1]) == 7
    endless = await directory.call("GET", f"/Users?startIndex={10**30}")
    assert endless.status_code in (200, 400)


async def test_orders(world: World) -> None:
    directory = await peopled(world)

    async def names(by: str, order: str = "ascending") -> list[str]:
        seen = await directory.ok(
            "GET", f'/Users?sortBy={by}&sortOrder={order}&filter=not (emails.value sw "rh")'
        )
        return [each["userName"] for each in seen["Resources"]]

    assert await names("userName") == ["Ada", "bob", "eve%", "zoé", "élise_"]
    assert await names("userName", "descending") == ["élise_", "zoé", "eve%", "bob", "Ada"]
    assert (await names("name.familyName"))[:2] == ["Ada", "élise_"]
    assert (await names(f"{MAILLON}:site"))[0] == "bob"
    assert (await directory.call("GET", "/?sortBy=externalId")).status_code == 501


async def test_what_is_asked_for_is_what_is_answered(world: World) -> None:
    directory = await peopled(world)
    (user,) = await directory.find("Users", 'userName eq "ada"')
    group = await directory.group("Une", user["id"])

    few = await directory.ok("GET", f"/Users/{user['id']}?attributes=externalId")
    without = await directory.ok("GET", f"/Groups/{group['id']}?excludedAttributes=members")
    listed = await directory.ok("GET", "/Groups?excludedAttributes=members")
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'displayName eq "une"',
    }
    posted = await directory.ok("POST", "/.search", body)

    assert few.keys() == {"schemas", "id", "externalId"}
    assert "members" not in without
    assert "members" not in listed["Resources"][0]
    assert posted["Resources"][0]["members"][0]["value"] == user["id"]


def test_every_attribute_that_is_described_is_searched() -> None:
    for paths, columns in ((Path[Employee], users.COLUMNS), (Path[Group], groups.COLUMNS)):
        described = {path.resolve() for path in paths.iter_paths(include_subattributes=False)}
        heads = {name for name, _ in columns}
        assert {each.field_name for each in described if each} - heads == set()
