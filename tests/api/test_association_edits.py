"""What its owner corrects of an association, and who looks at it again."""

from typing import Any

import pytest

from tests.api.core.asking import assert_problem
from tests.api.test_moderation import waiting
from tests.make.world import Association, World, siren

CORRECTED: dict[str, Any] = {
    "legal_form": "fondation",
    "public_interest": "yes",
    "address": {
        "street": "1 rue du Port",
        "postal_code": "69002",
        "city": "Lyon",
        "latitude": 45.7,
        "longitude": 4.8,
    },
    "rna": "W691999991",
    "siren": "732829320",
    "siret": "73282932000074",
}


async def correct(world: World, association: Association, **fields: Any) -> Any:
    path = f"/v1/associations/{association.id}"
    etag = (await world.call(association.owner, "GET", path)).headers["etag"]
    return await world.call(association.owner, "PATCH", path, fields, if_match=etag)


async def test_a_refused_association_corrects_what_it_was_refused_for(world: World) -> None:
    association, moderator = await world.association(verified=False), await world.moderator()
    path = f"/v1/associations/{association.id}"
    await world.ok(moderator, "POST", f"{path}/refuse", {"reasons": ["SIREN introuvable."]})

    answer = await correct(world, association, **CORRECTED)

    corrected = answer.json()
    assert {name: corrected[name] for name in CORRECTED} == CORRECTED
    assert (corrected["state"], corrected["state_reason"]) == ("unverified", None)
    assert [(event["state"], event["reason"]) for event in corrected["history"]] == [
        ("unverified", None),
        ("refused", "SIREN introuvable."),
        ("unverified", None),
    ]
    assert (await waiting(world, moderator))[association.id]["reasons"] == ["asked_again"]


async def test_what_identifies_a_verified_association_is_read_again_once_changed(world: World) -> None:
    association, moderator = await world.association(siren=siren(4_000_001)), await world.moderator()
    path = f"/v1/associations/{association.id}"

    same = (await correct(world, association, siren=siren(4_000_001), legal_form="fondation")).json()
    quiet = await waiting(world, moderator)
    changed = (await correct(world, association, siren=siren(4_000_002), name="Le Fil Bleu")).json()

    assert (same["legal_form"], association.id in quiet) == ("fondation", False)
    assert (changed["state"], changed["siren"]) == ("verified", siren(4_000_002))
    item = (await waiting(world, moderator))[association.id]
    assert item["reasons"] == ["renamed", "identifiers_changed"]
    await world.ok(moderator, "POST", f"{path}/verify", if_match=f'"v{item["version"]}-0"')
    assert association.id not in await waiting(world, moderator)


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"rna": "W1", "siren": "732829321"}, None),
        ({"siren": "123456789", "siret": "12345678901234"}, ["/siren", "/siret"]),
        ({"siren": "732829320", "siret": "35600000000048"}, ["/siret"]),
        ({"siret": "35600000000048"}, ["/siret"]),
    ],
)
async def test_identifiers_are_checked_as_at_registration(
    world: World, fields: dict[str, Any], pointers: list[str] | None
) -> None:
    association = await world.association(siren="732829320")
    answer = await correct(world, association, **fields)
    document = assert_problem(answer, 422, "invalid")
    if pointers:
        assert [error["pointer"] for error in document["errors"]] == pointers
    kept = await world.ok(association.owner, "GET", f"/v1/associations/{association.id}")
    assert (kept["rna"], kept["siren"], kept["siret"]) == (None, "732829320", None)


async def test_a_siret_begins_with_its_siren(world: World) -> None:
    body = {
        "name": "Papyrus",
        "legal_form": "association",
        "purpose": "Apprendre à lire.",
        "address": {"postal_code": "69007", "city": "Lyon"},
        "causes": [],
        "contact_email": "a@exemple.example",
        "siren": "732829320",
        "siret": "35600000000048",
    }
    answer = await world.call(await world.person(), "POST", "/v1/associations", body)
    document = assert_problem(answer, 422, "invalid", "/siret")
    assert document["errors"][0]["code"] == "of-another-siren"


async def test_nobody_takes_the_identifier_of_a_verified_association(world: World) -> None:
    await world.association(rna="W691888881", siret="35600000000048")
    for verified in (True, False):
        association = await world.association(verified=verified)
        answer = await correct(world, association, rna="w691 888 881")
        both = await correct(world, association, rna="W691888881", siret="35600000000048")
        for refused, named in ((answer, ["/rna"]), (both, ["/rna", "/siret"])):
            document = assert_problem(refused, 409, "already-registered")
            assert [error["pointer"] for error in document["errors"]] == named
        assert (await correct(world, association, rna=None)).status_code == 200


async def test_an_association_that_moves_leaves_its_coordinates(world: World) -> None:
    association = await world.association(address=CORRECTED["address"])

    renamed = await correct(world, association, address={"street": "2 rue du Port"})
    moved = await correct(world, association, address={"postal_code": "75011", "city": "Paris"})

    assert renamed.json()["address"] == CORRECTED["address"] | {"street": "2 rue du Port"}
    assert (moved.json()["address"]["latitude"], moved.json()["address"]["city"]) == (None, "Paris")


@pytest.mark.parametrize("code", ["00000", "99999"])
async def test_an_address_has_a_french_postcode(world: World, code: str) -> None:
    association = await world.association()
    address = {"street": None, "postal_code": code, "city": "Lyon", "latitude": None, "longitude": None}
    before = await world.ok(association.owner, "GET", f"/v1/associations/{association.id}")
    body = {name: before[name] for name in ("legal_form", "purpose", "causes", "contact_email")}
    registered = await world.call(
        association.owner, "POST", "/v1/associations", body | {"name": "Ailleurs", "address": address}
    )
    edited = await correct(world, association, address=address)
    for answer in (registered, edited):
        assert_problem(answer, 422, "invalid", "/address/postal_code")
        assert [error["code"] for error in answer.json()["errors"]] == ["unknown-postal-code"]
    assert await world.ok(association.owner, "GET", f"/v1/associations/{association.id}") == before

    cedex = address | {"postal_code": "69326", "city": "Lyon Cedex 03"}
    assert (await correct(world, association, address=cedex)).json()["address"] == cedex
