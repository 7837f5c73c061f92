"""Signing in by a code that was mailed, adding an address by one, and the sessions that come of it."""

import asyncio
import copy
import itertools
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from structlog.testing import capture_logs

from api.app import edged
from api.core import clock
from api.core.actor import system
from api.core.database import operations, transaction
from api.core.net import network_of
from api.core.settings import Settings
from api.identity.magic_links import MOST_OF_ADDRESS, MOST_OF_NETWORK
from api.notifications.delivery import deliver, doubt_stuck_mails, requeue
from tests.api.core.asking import assert_problem, stored
from tests.make.world import World

_MAIL = (
    "SELECT id, kind, state, language, subject, text FROM mail WHERE to_address = $1 ORDER BY id DESC LIMIT 1"
)
_CODE = re.compile(r"\b([2-9A-Z]{5})-([2-9A-Z]{5})\b")
_numbers = itertools.count(1)


@asynccontextmanager
async def network(app: Litestar, world: World, address: str | None = None) -> AsyncIterator[World]:
    """Ask from a network of one's own, so that what other tests asked does not count."""
    client = address or f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    edge: Any = edged(app)
    transport = httpx.ASGITransport(edge, raise_app_exceptions=False, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://maillon") as asking:
        elsewhere = copy.copy(world)
        elsewhere.client = asking
        yield elsewhere


@pytest.fixture
async def here(app: Litestar, world: World) -> AsyncIterator[World]:
    async with network(app, world) as asking:
        yield asking


def new_address(name: str = "ines") -> str:
    return f"{name}-{next(_numbers)}@courrier.example"


async def start(world: World, email: str, **headers: str) -> str:
    asked = await world.call(None, "POST", "/v1/auth/magic-links", {"email": email}, **headers)
    assert asked.status_code == 202, asked.text
    return str(asked.json()["request"])


async def mail_to(email: str) -> dict[str, Any]:
    async with operations() as connection:
        return dict(await connection.fetchrow(_MAIL, email.lower()))


async def code_to(email: str) -> str:
    found = _CODE.search((await mail_to(email))["text"])
    assert found
    return "".join(found.groups())


async def redeem(world: World, request: str, code: str, **headers: str) -> httpx.Response:
    body = {"request": request, "code": code}
    return await world.call(None, "POST", "/v1/auth/sessions", body, **headers)


async def sign_in(world: World, email: str, **headers: str) -> str:
    request = await start(world, email, **headers)
    answer = await redeem(world, request, await code_to(email), **headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def test_an_unknown_address_becomes_a_person_once(here: World) -> None:
    email = new_address()
    first = await here.ok(await sign_in(here, email.upper(), accept_language="en"), "GET", "/v1/me")
    again = await here.ok(await sign_in(here, email), "GET", "/v1/me")

    assert (first["emails"], first["language"]) == ([email], "en")
    assert first == again


async def test_a_session_answers_where_it_is_and_until_when(here: World) -> None:
    email = new_address()
    answer = await redeem(here, await start(here, email), await code_to(email))

    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body.keys() == {"token", "expires_at"}
    listed = await here.ok(body["token"], "GET", "/v1/auth/sessions")
    assert [
        (f"/v1/auth/sessions/{each['id']}", each["expires_at"], each["current"]) for each in listed["items"]
    ] == [(answer.headers["location"], body["expires_at"], True)]


async def test_the_same_is_answered_and_written_for_a_known_and_an_unknown_address(here: World) -> None:
    known, unknown = new_address("connue"), new_address("inconnue")
    await sign_in(here, known)
    answers, rows = [], []
    for email in (known, unknown):
        before = await stored()
        answer = await here.call(None, "POST", "/v1/auth/magic-links", {"email": email})
        after = await stored()
        answers.append((answer.status_code, answer.json().keys(), len(answer.content)))
        rows.append({name: after[name] - before[name] for name in after if after[name] != before[name]})

    assert answers[0] == answers[1]
    assert answers[0][0] == 202
    assert rows[0] == rows[1] == {"magic_link": 1, "mail": 1, "outbox": 1}


@pytest.mark.parametrize(("language", "subject"), [("fr-FR", "Votre code"), ("en", "Your code")])
async def test_the_mail_speaks_the_language_of_the_browser(here: World, language: str, subject: str) -> None:
    email = new_address()
    await start(here, email, accept_language=language)

    mail = await mail_to(email)
    assert (mail["kind"], mail["state"], mail["language"]) == ("sign_in", "pending", language[:2])
    assert mail["subject"].startswith(subject)
    assert _CODE.search(mail["subject"]) is None


async def test_a_code_may_be_typed_in_small_letters_with_spaces(here: World) -> None:
    email = new_address()
    request, code = await start(here, email), (await code_to(email)).lower()

    assert (await redeem(here, request, f" {code[:5]} {code[5:8]}-{code[8:]}")).status_code == 201


async def test_every_refusal_of_a_code_is_the_same(here: World) -> None:
    email, other = new_address(), new_address()
    used, used_code = await start(here, email), await code_to(email)
    assert (await redeem(here, used, used_code)).status_code == 201
    fresh, code = await start(here, email), await code_to(email)
    elsewhere = await start(here, other)
    late, late_code = await start(here, email), await code_to(email)
    with clock.at(clock.now() + timedelta(minutes=15, seconds=1)):
        too_late = await redeem(here, late, late_code)
    refusals = {
        "wrong": await redeem(here, fresh, "2222222222"),
        "used": await redeem(here, used, used_code),
        "of another request": await redeem(here, elsewhere, code),
        "of no request": await redeem(here, "nothing", code),
        "too late": too_late,
    }

    for refused in refusals.values():
        assert_problem(refused, 403, "code-refused")
    assert len({refused.content for refused in refusals.values()}) == 1
    assert (await redeem(here, fresh, code)).status_code == 201


async def test_after_five_wrong_codes_the_right_one_is_refused(here: World) -> None:
    email = new_address()
    request, code = await start(here, email), await code_to(email)
    for wrong in range(5):
        assert_problem(await redeem(here, request, f"222222222{wrong + 2}"), 403, "code-refused")

    assert_problem(await redeem(here, request, code), 403, "code-refused")


async def test_twenty_wrong_codes_at_once_count_as_five(here: World) -> None:
    email = new_address()
    request = await start(here, email)

    await asyncio.gather(*(redeem(here, request, "2222222222") for _ in range(20)))

    async with operations() as connection:
        tries = await connection.fetchval("SELECT attempts FROM magic_link WHERE email = $1", email)
    assert tries == 5


async def test_a_code_redeemed_twenty_times_at_once_opens_one_session(here: World) -> None:
    email = new_address()
    request, code = await start(here, email), await code_to(email)

    answers = await asyncio.gather(*(redeem(here, request, code) for _ in range(20)))

    assert Counter(answer.status_code for answer in answers) == Counter({201: 1, 403: 19})


async def test_two_codes_of_a_new_address_redeemed_at_once_make_one_person(here: World) -> None:
    email = new_address()
    asked = [(await start(here, email), await code_to(email)) for _ in range(4)]

    answers = await asyncio.gather(*(redeem(here, request, code) for request, code in asked))

    assert {answer.status_code for answer in answers} == {201}
    people = [await here.ok(answer.json()["token"], "GET", "/v1/me") for answer in answers]
    assert len({person["id"] for person in people}) == 1


async def test_an_address_gets_five_mails_an_hour_whoever_asks_from_where(
    app: Litestar, world: World
) -> None:
    email = new_address()
    async with network(app, world) as one, network(app, world) as other:
        answers = await asyncio.gather(
            *(
                asking.call(None, "POST", "/v1/auth/magic-links", {"email": email})
                for asking in (one, other) * 5
            )
        )
        refused = next(answer for answer in answers if answer.status_code != 202)
        with clock.at(clock.now() + timedelta(hours=1, seconds=1)):
            await start(one, email)

    assert Counter(answer.status_code for answer in answers) == Counter({202: MOST_OF_ADDRESS, 429: 5})
    assert_problem(refused, 429, "too-many-requests")
    assert 3590 < int(refused.headers["retry-after"]) <= 3601


async def test_a_network_gets_thirty_mails_an_hour(app: Litestar, world: World) -> None:
    number = secrets.token_hex(2)
    async with (
        network(app, world, f"2001:db8:{number}:1::1") as one,
        network(app, world, f"2001:db8:{number}:1::ffff") as near,
        network(app, world, f"2001:db8:{number}:2::1") as far,
    ):
        for asking in (one, near) * (MOST_OF_NETWORK // 2):
            await start(asking, new_address())
        for asking in (one, near):
            refused = await asking.call(None, "POST", "/v1/auth/magic-links", {"email": new_address()})
            assert_problem(refused, 429, "too-many-requests")
        await start(far, new_address())


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a socket", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_client_counts_in_its_network(address: str | None, counted: str) -> None:
    assert network_of(address) == counted


async def test_a_signed_in_person_adds_an_address_by_its_code(here: World) -> None:
    token, email = await sign_in(here, new_address()), new_address("autre")
    asked = await here.ok(token, "POST", "/v1/me/emails", {"email": email}, accept_language="fr")
    before = await here.ok(token, "GET", "/v1/me")
    mail = await mail_to(email)
    proved = await redeem(here, asked["request"], await code_to(email))

    assert (mail["kind"], mail["subject"]) == (
        "address_proof",
        "Votre code pour ajouter cette adresse à Maillon",
    )
    assert email not in before["emails"]
    after = await here.ok(proved.json()["token"], "GET", "/v1/me")
    assert (after["id"], set(after["emails"])) == (before["id"], {*before["emails"], email})
    assert await here.ok(await sign_in(here, email), "GET", "/v1/me") == after


async def test_an_address_of_somebody_else_is_never_added(here: World) -> None:
    mine, theirs = new_address("moi"), new_address("autrui")
    me, them = await sign_in(here, mine), await sign_in(here, theirs)
    free = await here.call(me, "POST", "/v1/me/emails", {"email": new_address()})
    taken = await here.call(me, "POST", "/v1/me/emails", {"email": theirs})
    request, code = taken.json()["request"], await code_to(theirs)
    guessed = await redeem(here, request, "2222222222")
    refused = await redeem(here, request, code)

    assert (taken.status_code, taken.json().keys()) == (free.status_code, free.json().keys())
    assert_problem(guessed, 403, "code-refused")
    assert "another account" in assert_problem(refused, 409, "address-taken")["detail"]
    assert_problem(await redeem(here, request, code), 403, "code-refused")
    assert (await here.ok(me, "GET", "/v1/me"))["emails"] == [mine]
    assert (await here.ok(them, "GET", "/v1/me"))["emails"] == [theirs]


async def test_an_address_asked_for_by_two_at_once_goes_to_one(here: World) -> None:
    people = [await sign_in(here, new_address()) for _ in range(2)]
    email = new_address("disputee")
    asked = []
    for token in people:
        request = (await here.ok(token, "POST", "/v1/me/emails", {"email": email}))["request"]
        asked.append((request, await code_to(email)))

    answers = await asyncio.gather(*(redeem(here, request, code) for request, code in asked))

    assert Counter(answer.status_code for answer in answers) == Counter({201: 1, 409: 1})


async def test_sessions_are_listed_revoked_and_ended(here: World) -> None:
    email = new_address()
    old, new = await sign_in(here, email), await sign_in(here, email)
    stranger = await sign_in(here, new_address())
    listed = (await here.ok(new, "GET", "/v1/auth/sessions"))["items"]
    assert [each["current"] for each in listed] == [True, False]
    path = f"/v1/auth/sessions/{listed[1]['id']}"

    assert_problem(await here.call(stranger, "DELETE", path), 404, "not-found")
    assert (await here.call(new, "DELETE", path)).status_code == 204
    assert_problem(await here.call(new, "DELETE", path), 404, "not-found")
    assert_problem(await here.call(old, "GET", "/v1/me"), 401, "unauthenticated")
    assert (await here.call(new, "DELETE", "/v1/auth/sessions/current")).status_code == 204
    assert_problem(await here.call(new, "GET", "/v1/me"), 401, "unauthenticated")
    assert (await here.call(stranger, "GET", "/v1/me")).status_code == 200


async def test_sessions_come_page_by_page_without_the_past_ones(here: World) -> None:
    email = new_address()
    with clock.at(clock.now() - timedelta(days=40)):
        await sign_in(here, email)
    token = [await sign_in(here, email) for _ in range(3)][-1]

    first = await here.ok(token, "GET", "/v1/auth/sessions?limit=2")
    last = await here.ok(token, "GET", f"/v1/auth/sessions?limit=2&cursor={first['next']}")

    assert (len(first["items"]), len(last["items"]), last["next"]) == (2, 1, None)


async def test_a_company_token_is_not_ours_to_end(world: World) -> None:
    employee = world.employee(await world.company())
    await world.ok(employee, "GET", "/v1/me")

    assert_problem(await world.call(employee, "DELETE", "/v1/auth/sessions/current"), 404, "not-found")


async def test_a_code_is_readable_nowhere_once_its_mail_has_left(here: World, settings: Settings) -> None:
    email = new_address()
    with capture_logs() as logged:
        request = await start(here, email)
        mail, code = await mail_to(email), await code_to(email)
        while again := await deliver(mail["id"], settings):
            await asyncio.sleep(max(0.0, (again - clock.now()).total_seconds()))
        token = (await redeem(here, request, code)).json()["token"]

    sent = await mail_to(email)
    assert (sent["state"], sent["text"]) == ("sent", "")
    rows = await everything()
    for secret in (code, f"{code[:5]}-{code[5:]}", request, token):
        assert secret.encode() not in rows
        assert secret not in str(logged)
    assert logged


async def everything() -> bytes:
    """Give the text of every row, with what bytes hold."""
    async with operations() as connection:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        rows = [
            await connection.fetch(f"SELECT t::text AS row FROM {table['relname']} t") for table in tables
        ]
        payloads = await connection.fetch("SELECT payload FROM outbox")
    text = "\n".join(row["row"] for found in rows for row in found)
    return text.encode() + b"\n".join(row["payload"] for row in payloads)


async def test_a_code_too_old_is_not_sent_nor_sent_again(here: World, settings: Settings) -> None:
    email = new_address()
    await start(here, email)
    mail_id: UUID = (await mail_to(email))["id"]
    with clock.at(clock.now() + timedelta(minutes=15, seconds=1)):
        assert await deliver(mail_id, settings) is None

    failed = await mail_to(email)
    assert (failed["state"], failed["text"]) == ("failed", "")
    async with operations() as connection:
        assert await connection.fetchval("SELECT reply FROM mail WHERE id = $1", mail_id) == "too late"
    assert await resent(mail_id) is False


async def resent(mail_id: UUID) -> bool:
    """Ask as an operator for a mail to be sent again."""
    async with transaction(system()):
        return await requeue(mail_id, "failed", "unknown")


async def test_a_mail_in_doubt_is_sent_once_more_and_then_forgets_its_code(
    here: World, settings: Settings
) -> None:
    email = new_address()
    await start(here, email)
    mail_id: UUID = (await mail_to(email))["id"]
    states = []
    for _ in range(2):
        async with operations() as connection:
            await connection.execute(
                "UPDATE mail SET state = 'attempting', attempting_at = $2 WHERE id = $1",
                *(mail_id, clock.now() - timedelta(minutes=10)),
            )
        await doubt_stuck_mails(settings)
        mail = await mail_to(email)
        states.append((mail["state"], bool(mail["text"])))

    assert states == [("pending", True), ("unknown", False)]
    assert await resent(mail_id) is False


async def test_what_was_asked_is_forgotten_after_a_day(here: World) -> None:
    email = new_address()
    with clock.at(clock.now() - timedelta(days=1, minutes=1)):
        await start(here, email)
    await start(here, new_address())

    async with operations() as connection:
        kept = await connection.fetchval("SELECT count(*) FROM magic_link WHERE email = $1", email)
    assert kept == 0
