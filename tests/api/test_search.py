"""What a search finds, on missions written for it."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

import pytest
from litestar import Litestar

from api.core import clock
from api.core.database import operations
from api.skills.service import deprecate_skill
from tests.api.core.asking import assert_problem
from tests.make.clone import cloned, superuser_url
from tests.make.many import plant_missions
from tests.make.served import served
from tests.make.world import Association, World
from tests.schema.test_personal_data import database_of

TODAY = clock.today("Europe/Paris")
LYON = {"postal_code": "69007", "label": "Lyon 7e"}
CORPUS: dict[str, dict[str, Any]] = {
    "site": {"title": "Refondre notre site web", "location": LYON, "causes": ["numerique"]},
    "comptabilité": {
        "title": "Tenir notre comptabilité",
        "location": {"postal_code": "69100"},
        "format": "mentoring",
        "causes": ["gestion-finance-droit"],
    },
    "graphisme": {
        "title": "Un graphisme pour nos affiches",
        "location": {"postal_code": "13007"},
        "causes": ["culture-loisirs", "communication"],
        "regimes": ["personal_time"],
    },
    "english": {
        "title": "Translate our volunteering guide",
        "description": "Our guide welcomes newcomers in English: forty pages to translate from French.",
        "remote": "full",
        "languages": ["en"],
        "effort_minutes": 600,
    },
    "ailleurs": {
        "title": "Animer un atelier",
        "description": "Une après-midi pour parler du site de l’association et de son web, sans jargon.",
        "location": {"latitude": 48.8566, "longitude": 2.3522},
        "starts_on": str(TODAY + timedelta(days=30)),
    },
}
HOME: dict[str, Any] = {}


@pytest.fixture
async def corpus(world: World) -> Association:
    """The association of the corpus, written once."""
    if not HOME:
        association = await world.association()
        HOME["association"] = association
        HOME["names"] = {
            (await world.mission(association, **fields))["id"]: name for name, fields in CORPUS.items()
        }
    association = HOME["association"]
    assert isinstance(association, Association)
    return association


async def found(world: World, query: str, token: str | None = None) -> list[str]:
    """Give the names of the missions found in the corpus, in order."""
    path = f"/v1/missions?limit=100&association={HOME['association'].id}&{query}"
    page = await world.ok(token, "GET", path)
    return [HOME["names"][item["id"]] for item in page["items"]]


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("comptabilite", ["comptabilité"]),
        ("COMPTABILITÉ", ["comptabilité"]),
        ("comptable", ["comptabilité"]),
        ("refonte site internet", ["site"]),
        ("graphsime", ["graphisme"]),
        ("translation", ["english"]),
        ("volunteer", ["english"]),
        ("site web", ["site", "ailleurs"]),
        ("affiche", ["graphisme"]),
        ("le la les", []),
        ("affiche zzzzqqq", ["graphisme"]),
        ("zzzzqqq", []),
    ],
)
async def test_words_find_what_they_mean(world: World, words: str, names: list[str]) -> None:
    assert await found(world, f"q={words}") == names


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(
    "hostile",
    [
        *(
            "%26%20%7C%20!",
            "(((",
            "'",
            "''%3B%20DROP%20TABLE",
            ":*",
            "a%3A*%26",
            "%25",
            "%25%25",
            "<->",
            "%5C",
        ),
        *("\\\\'", "%22site", "site%20%26%26", "%E2%80%8B", "%F0%9F%92%A9", "a" * 200, "%3A%3A%3Atsquery"),
    ],
)
async def test_hostile_words_are_words(world: World, hostile: str) -> None:
    for sort in ("", "&sort=newest", "&facets=cause"):
        answer = await world.call(None, "GET", f"/v1/missions?q={hostile}{sort}")
        assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("q=" + "a" * 201, "/q"),
        ("q=" + "a" * 10_000, "/q"),
        ("q=%00", "/q"),
        ("near=91,0", "/near"),
        ("near=45.7", "/near"),
        ("near=45.7,4.8,1", "/near"),
        ("near=nan,0", "/near"),
        ("postal_code=00000", "/postal_code"),
        ("postal_code=6900", "/postal_code"),
        ("radius_km=10", "/radius_km"),
        ("near=45,4&radius_km=0", "/radius_km"),
        ("near=45,4&radius_km=301", "/radius_km"),
        ("near=45,4&postal_code=69007", "/postal_code"),
        ("sort=distance", "/sort"),
        ("sort=relevance", "/sort"),
        ("sort=oldest", "/sort"),
        ("cause=cuisine", "/cause"),
        ("has_places=true&has_places=true", "/has_places"),
        ("facets=everything", "/facets"),
    ],
)
async def test_a_question_that_cannot_be_meant_is_refused(world: World, query: str, pointer: str) -> None:
    answer = await world.call(None, "GET", f"/v1/missions?{query}")
    assert_problem(answer, 422, "invalid", pointer)


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("cause=numerique", {"site"}),
        ("cause=numerique&cause=communication", {"site", "graphisme"}),
        ("cause=numerique&format=mentoring", set()),
        ("format=mentoring&format=short", {"comptabilité"}),
        ("remote=full", {"english"}),
        ("regime=personal_time", set(CORPUS)),
        ("regime=working_time", set(CORPUS) - {"graphisme"}),
        ("language=en", {"english"}),
        ("max_minutes=600", {"english"}),
        (f"starts_after={TODAY + timedelta(days=20)}", {"ailleurs"}),
        (f"starts_before={TODAY + timedelta(days=20)}", set(CORPUS) - {"ailleurs"}),
        ("postal_code=69007&radius_km=10", {"site", "comptabilité"}),
        ("postal_code=69007", {"site", "comptabilité"}),
        ("near=48.85,2.35&radius_km=5", {"ailleurs"}),
        ("near=48.85,%202.35&radius_km=5", {"ailleurs"}),
        ("near=-48.85,2.35&radius_km=300", set()),
    ],
)
async def test_filters_are_any_of_each_and_all_of_them(world: World, query: str, names: set[str]) -> None:
    assert set(await found(world, query)) == names


@pytest.mark.usefixtures("corpus")
async def test_the_nearest_come_first_with_their_distance(world: World) -> None:
    path = f"/v1/missions?association={HOME['association'].id}&postal_code=69007&radius_km=300&sort=distance"
    items = (await world.ok(None, "GET", path))["items"]
    assert [HOME["names"][item["id"]] for item in items] == ["site", "comptabilité", "graphisme"]
    assert [round(item["distance_km"]) for item in items] == [0, 4, 277]
    assert await found(world, "sort=starts") == ["site", "comptabilité", "graphisme", "english", "ailleurs"]


@pytest.mark.parametrize(
    ("code", "there"),
    [
        ("97133", "17.90,-62.85"),
        ("97150", "18.07,-63.08"),
        ("97500", "46.78,-56.18"),
        ("98600", "-13.28,-176.17"),
        ("98620", "-14.29,-178.16"),
        ("98714", "-17.53,-149.57"),
        ("98800", "-22.27,166.45"),
    ],
)
async def test_every_collectivity_overseas_has_its_postcodes(world: World, code: str, there: str) -> None:
    association = await world.association(address={"postal_code": code, "city": "Là-bas"})
    mission = await world.mission(association, location={"postal_code": code})
    for around in (f"postal_code={code}", f"near={there}&radius_km=10"):
        page = await world.ok(None, "GET", f"/v1/missions?association={association.id}&{around}")
        assert [item["id"] for item in page["items"]] == [mission["id"]], around


@pytest.mark.usefixtures("corpus")
async def test_facets_count_what_each_value_would_leave(world: World) -> None:
    base = f"/v1/missions?association={HOME['association'].id}&facets=cause&facets=format&limit=1"
    everything = await world.ok(None, "GET", base)
    filtered = await world.ok(None, "GET", f"{base}&cause=numerique")

    causes = {
        "education": 2,
        "communication": 1,
        "culture-loisirs": 1,
        "gestion-finance-droit": 1,
        "numerique": 1,
    }
    assert {one["value"]: one["count"] for one in everything["facets"]["cause"]} == causes
    assert everything["facets"]["format"] == [
        {"value": "project", "count": 4},
        {"value": "mentoring", "count": 1},
    ]
    assert {one["value"]: one["count"] for one in filtered["facets"]["cause"]} == causes
    assert filtered["facets"]["format"] == [{"value": "project", "count": 1}]
    assert "facets" not in await world.ok(None, "GET", "/v1/missions?limit=1")


async def test_a_reserved_mission_is_found_by_its_companies_alone(world: World) -> None:
    association, company = await world.association(), await world.company()
    mission = await world.mission(
        association, reserved_to=[company.id], location=LYON, title="Classer nos archives"
    )
    asked = [
        f"/v1/missions?association={association.id}{more}"
        for more in ("", "&q=archives", "&postal_code=69007&sort=distance", "&sort=starts", "&facets=cause")
    ]
    inside, outside = world.employee(company), world.employee(await world.company())

    for path in asked:
        for token, items in ((inside, [mission["id"]]), (outside, []), (None, []), (association.owner, [])):
            page = await world.ok(token, "GET", path)
            assert [item["id"] for item in page["items"]] == items, path


async def test_what_closed_is_not_found_while_it_waits_for_its_answers(world: World) -> None:
    association = await world.association()
    mission = await world.mission(association, apply_by=str(TODAY))
    path = f"/v1/missions?association={association.id}"
    assert [item["id"] for item in (await world.ok(None, "GET", path))["items"]] == [mission["id"]]
    with clock.at(clock.now() + timedelta(days=2)):
        assert (await world.ok(None, "GET", path))["items"] == []


@pytest.mark.parametrize("sort", ["newest", "starts", "distance", "relevance"])
async def test_pages_neither_repeat_nor_skip_while_others_publish(world: World, sort: str) -> None:
    association = await world.association()
    fields: dict[str, Any] = {"location": LYON, "description": "Il faut ranger la réserve avant l’été."}
    there = [
        (await world.mission(association, **fields | {"title": title}))["id"]
        for title in ["Ranger la réserve", "Une réserve"] * 12
    ]
    path = f"/v1/missions?association={association.id}&sort={sort}&limit=4&q=ranger&postal_code=69007"
    seen: list[str] = []
    cursor = ""
    while True:
        page = await world.ok(None, "GET", f"{path}{cursor and '&cursor='}{cursor}")
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
        await asyncio.gather(*(world.mission(association, **fields) for _ in range(2)))
    assert len(seen) == len(set(seen))
    assert set(there) <= set(seen)


async def test_a_last_day_ends_where_the_mission_is(world: World) -> None:
    """In Guadeloupe it goes on while it is tomorrow already in UTC."""
    association = await world.association()
    zone, last = "America/Guadeloupe", clock.today("America/Guadeloupe") + timedelta(days=3)
    mission = await world.mission(association, time_zone=zone, apply_by=str(last))
    midnight = datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(zone))
    path = f"/v1/missions?association={association.id}"

    with clock.at(midnight - timedelta(minutes=1)):
        assert [item["id"] for item in (await world.ok(None, "GET", path))["items"]] == [mission["id"]]
    with clock.at(midnight + timedelta(minutes=1)):
        assert (await world.ok(None, "GET", path))["items"] == []


async def test_five_thousand_results_are_paged_while_others_publish(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment) as settings:
        await plant_missions(superuser_url(environment, database_of(settings)), 5_000, associations=50)
        async with served(app, settings) as client:
            world = World(client, environment)
            there = await everything(world, "sort=newest")
            assert len(there) >= 5_000
            for sort in ("newest", "starts"):
                association = await world.association()
                seen = await everything(world, f"sort={sort}", association)
                assert len(seen) == len(set(seen))
                assert set(there) <= set(seen)


async def everything(world: World, query: str, publisher: Association | None = None) -> list[str]:
    """Page through all there is, a mission being published before each page if somebody is to."""
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        if publisher:
            await world.mission(publisher)
        more = cursor and f"&cursor={cursor}"
        page = await world.ok(None, "GET", f"/v1/missions?limit=100&{query}{more}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    return seen


@pytest.mark.parametrize(
    ("sort", "rare"),
    [("newest", "zzjardin"), ("starts", "qqverger"), ("distance", "wwpotager"), ("relevance", "xxrocaille")],
)
async def test_every_page_answers_the_question_as_it_was_first_understood(
    world: World, sort: str, rare: str
) -> None:
    association = await world.association()
    there = [
        (await world.mission(association, title="Atelier poterie", location=LYON))["id"] for _ in range(3)
    ]
    base = f"/v1/missions?association={association.id}&sort={sort}&limit=1&postal_code=69007&facets=format"
    path = f"{base}&q=poterie {rare}"

    page = await world.ok(None, "GET", path)
    seen = [item["id"] for item in page["items"]]
    await world.mission(association, title=f"Poterie {rare}", location=LYON)
    while page["next"]:
        page = await world.ok(None, "GET", f"{path}&cursor={page['next']}")
        seen += [item["id"] for item in page["items"]]
        assert page["facets"] == {"format": [{"value": "project", "count": 4}]}

    assert len(seen) == len(set(seen))
    assert set(there) <= set(seen)
    fresh = await world.ok(None, "GET", path)
    assert [item["title"] for item in fresh["items"]] == [f"Poterie {rare}"]


async def test_the_longest_question_has_a_cursor_that_is_read_back(world: World) -> None:
    association = await world.association()
    words = "recrutement recruter rh site webmaster accueillir collecte formation prototype mécénat bénévole"
    for _ in range(2):
        await world.mission(association, title=words[:150], description=f"{words}, de mille façons.")
    path = f"/v1/missions?association={association.id}&limit=1&q={words}"
    page = await world.ok(None, "GET", path)
    assert len(page["next"]) < 2_000
    second = await world.ok(None, "GET", f"{path}&cursor={page['next']}")
    assert (len(second["items"]), second["next"]) == (1, None)


async def test_a_misspelt_title_forgives_the_word_once_it_is_gone(world: World) -> None:
    association = await world.association()
    path = f"/v1/missions?association={association.id}&q=menuisreie"
    right = await world.mission(association, title="Un atelier menuiserie")
    wrong = await world.mission(association, title="Un atelier menuisreie")

    during = await world.ok(None, "GET", path)
    await world.ok(association.owner, "POST", f"/v1/missions/{wrong['id']}/pause")
    after = await world.ok(None, "GET", path)

    assert [item["id"] for item in during["items"]] == [wrong["id"]]
    assert [item["id"] for item in after["items"]] == [right["id"]]


async def test_decomposed_letters_are_the_same_words(world: World) -> None:
    association = await world.association()
    composed = await world.mission(association, title="Restaurer un émail ancien")
    decomposed = await world.mission(association, title=normalize("NFD", "Réparer une vérandalité"))
    for written, mission in (("émail ancien", composed), ("vérandalité", decomposed)):
        for form in ("NFC", "NFD"):
            path = f"/v1/missions?association={association.id}&q={normalize(form, written)}"
            found_there = await world.ok(None, "GET", path)
            assert [item["id"] for item in found_there["items"]] == [mission["id"]], (written, form)


async def test_words_find_a_mission_by_the_names_of_its_skills_and_by_any_form_of_a_synonym(
    world: World,
) -> None:
    association, company = await world.association(), await world.company()
    said: dict[str, Any] = {
        "title": "Un coup de main",
        "summary": "",
        "description": "Une aide ponctuelle, à convenir ensemble.",
    }
    books = await world.mission(association, **said, skills=[{"skill": "accounting"}])
    volunteers = await world.mission(association, **said | {"title": "Recrutement de bénévoles motivés"})
    privacy = await world.mission(association, **said | {"title": "Mettre le registre RGPD à jour"})
    reserved = await world.mission(
        association, **said, skills=[{"skill": "translation"}], reserved_to=[company.id]
    )
    path, employee = f"/v1/missions?association={association.id}", world.employee(company)
    for words, mission in (
        ("bookkeeping", books),
        ("saisie comptable", books),
        ("volunteer", volunteers),
        ("volunteers", volunteers),
        ("RGDP", privacy),
        ("acounting", books),
        ("bookeeping", books),
        ("comptablité", books),
        ("volonteer", volunteers),
        ("traducteur", reserved),
        ("trasnlation", reserved),
    ):
        page = await world.ok(employee, "GET", f"{path}&q={words}")
        assert [item["id"] for item in page["items"]] == [mission["id"]], words


async def test_a_replaced_skill_is_found_by_the_words_of_either(
    app: Litestar, environment: dict[str, str]
) -> None:
    async with cloned(environment) as settings, served(app, settings) as client:
        world = World(client, environment)
        association = await world.association()
        said: dict[str, Any] = {
            "title": "Un coup de main",
            "summary": "",
            "description": "Une aide ponctuelle, à convenir.",
        }
        first = await world.mission(association, **said, skills=[{"skill": "wordpress"}])
        await deprecate_skill("wordpress", "ux-design")
        second = await world.mission(association, **said, skills=[{"skill": "ux-design"}])
        for words in ("wordpress", "Website redesign", "ergonomie", "user experience"):
            page = await world.ok(None, "GET", f"/v1/missions?association={association.id}&q={words}")
            assert [item["id"] for item in page["items"]] == [second["id"], first["id"]], words
        offered = await world.ok(None, "GET", "/v1/skills?q=wordpress")
        assert [item["id"] for item in offered["items"]] == ["ux-design"]


async def test_a_search_follows_what_replaced_a_skill(world: World) -> None:
    association, company = await world.association(), await world.company()
    async with operations() as connection:
        for skill in ("followed-first", "followed-then", "followed-last"):
            await connection.execute(
                """INSERT INTO skill (id, family_id, label_fr, label_en)
                   SELECT $1, id, $1, $1 FROM skill_family ORDER BY id LIMIT 1""",
                skill,
            )
    named = [{"skill": "followed-first"}, {"skill": "followed-then"}, {"skill": "accounting"}]
    for reserved in ([], [company.id]):
        await world.mission(association, skills=named, reserved_to=reserved)
    await world.mission(association, skills=named[:1])
    path, employee = f"/v1/missions?association={association.id}&facets=skill", world.employee(company)

    await deprecate_skill("followed-first", "followed-then")
    await deprecate_skill("followed-then", "followed-last")
    later = await world.ok(association.owner, "GET", path)
    found_last = await world.ok(employee, "GET", f"{path}&skill=followed-last")

    counted = {one["value"]: one["count"] for one in later["facets"]["skill"]}
    assert counted == {"followed-last": 2, "accounting": 1}
    for known in ("followed-first", "followed-then"):
        assert await world.ok(employee, "GET", f"{path}&skill={known}") == found_last
    assert (await world.ok(employee, "GET", f"{path}&skill=nothing-here"))["items"] == []
    assert len(found_last["items"]) == 3
    assert sorted(found_last["items"][-1]["skills"]) == ["accounting", "followed-last"]
    assert {one["value"]: one["count"] for one in found_last["facets"]["skill"]} == {
        "followed-last": 3,
        "accounting": 2,
    }
