"""The page a mail leads an employer to: it shows what is asked to who may decide, and changes nothing by itself."""

import re
from datetime import timedelta
from html import unescape
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar

from api.core import actor, clock
from api.core.database import operations
from api.core.ids import new_id
from api.identity.service import issue_token
from tests.api.test_agreed_effort import agree
from tests.make.world import Association, World
from tests.schema.test_routes import handlers
from tests.schema.test_routes import operations as documented

MARK = "Motivation-7c1d"


class Asked(NamedTuple):
    """A working-time application whose employer is asked, and tokens of whoever has to do with it."""

    association: Association
    mission: dict[str, Any]
    employee: str
    hr: str
    slug: str
    id: str

    @property
    def page(self) -> str:
        """Give the path that the mail leads to."""
        return f"/approvals/{self.id}?company={self.slug}"


async def asked(world: World, regime: str = "working_time", **policy: Any) -> Asked:
    association, company = await world.association(), await world.company(**{"approval": "hr"} | policy)
    mission, employee = (
        await world.mission(association),
        world.employee(company, family_name="<b>Le Goff</b>"),
    )
    body = {"regime": regime, "message": MARK}
    made = await world.ok(employee, "POST", f"/v1/missions/{mission['id']}/applications", body)
    email = (await world.ok(company.admin, "GET", "/v1/me"))["emails"][0]
    slug = (await world.ok(company.admin, "GET", f"/v1/companies/{company.id}"))["slug"]
    hr = await issue_token(email, timedelta(days=90))
    return Asked(association, mission, employee, hr, slug, made["id"])


async def look(world: World, it: Asked, token: str | None, language: str = "fr") -> httpx.Response:
    """Open the page in a browser that keeps the cookie of a session."""
    headers = {"Accept-Language": language} | ({"Cookie": f"__Host-maillon={token}"} if token else {})
    return await world.client.get(it.page, headers=headers)


def read(answer: httpx.Response) -> str:
    """Give what a page says, as somebody reads it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main>")[2])).split())


async def version(it: Asked) -> int:
    async with operations() as connection:
        found: int = await connection.fetchval("SELECT version FROM application WHERE id = $1", it.id)
        return found


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            ("demande votre accord", "Refondre notre site web", "30\xa0h", "prestation de service", "Motif"),
        ),
        ("en", ("asks for your agreement", "Refondre notre site web", "30\xa0h", "as a service", "Reason")),
    ],
)
async def test_who_decides_reads_what_is_asked_and_never_the_motivation(
    world: World, language: str, said: tuple[str, ...]
) -> None:
    it = await asked(world)
    seen = await look(world, it, it.hr, language)
    assert seen.status_code == 200, seen.text
    assert f'<html lang="{language}">' in seen.text
    for part in (*said, "<b>Le Goff</b>", f"Association {it.mission['association']['name'].split()[-1]}"):
        assert part in unescape(seen.text), part
    assert "<b>" not in seen.text
    assert MARK not in seen.text


async def test_the_page_is_kept_nowhere_and_runs_our_script_alone(world: World) -> None:
    it = await asked(world)
    for token in (it.hr, None):
        seen = await look(world, it, token)
        policies = seen.headers.get_list("content-security-policy")
        assert len(policies) == 1
        assert "script-src 'self'" in policies[0]
        assert "unsafe" not in policies[0]
        assert "frame-ancestors 'none'" in policies[0]
        assert seen.headers.get_list("cache-control") == ["no-store"]
        assert seen.headers["x-content-type-options"] == "nosniff"
        assert seen.headers["referrer-policy"] == "no-referrer"
        assert seen.headers["content-type"] == "text/html; charset=utf-8"
        assert seen.headers["content-language"] == "fr"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?://", seen.text)
        for asset in re.findall(r'(?:src|href)="(/web/[^"]+)"', seen.text):
            assert (await world.client.get(asset)).status_code == 200, asset


async def test_whoever_is_not_signed_in_reads_the_same_for_any_address(world: World) -> None:
    it = await asked(world)
    real = await look(world, it, None)
    other = await look(world, it._replace(id=str(new_id())), None)
    ended = await look(world, it, "mls_worn-out")
    assert real.status_code == other.status_code == ended.status_code == 200
    assert real.text.replace(it.id, "") == re.sub(r"[0-9a-f-]{36}", "", other.text)
    assert ended.text == real.text
    assert "Me connecter avec mon entreprise" in read(real)

    way = unescape(re.search(r'class="act" href="([^"]+)"', real.text)[1])  # type: ignore[index]
    assert way.startswith(f"/v1/auth/companies/{it.slug}/login?return_to=%2Fapprovals%2F{it.id}")
    # Its provider has no client here: a browser reads what to do, a program the problem.
    begun = await world.client.get(way, headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr"})
    assert (begun.status_code, "passez par son intranet" in read(begun)) == (404, True)
    assert (await world.client.get(way)).json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(("silence", "said"), [("refuse", "sera refusé"), ("approve", "sera donné")])
async def test_the_page_says_what_silence_means(world: World, silence: str, said: str) -> None:
    it = await asked(world, approval_silence=silence)
    assert f"sans réponse, l’accord {said}" in read(await look(world, it, it.hr))


async def test_the_page_says_that_a_longer_effort_is_asked_of_what_is_agreed(world: World) -> None:
    it = await asked(world)
    path = f"/v1/applications/{it.id}"
    await world.ok(it.association.owner, "POST", f"{path}/accept")
    first = read(await look(world, it, it.hr))
    await world.ok(it.hr, "POST", f"{path}/approve")
    await agree(world, it.association, it.employee, {"id": it.id}, 2400)
    longer = read(await look(world, it, it.hr))
    assert "mettrait fin" not in first
    assert "une durée plus longue est demandée maintenant, et un refus y mettrait fin" in longer
    assert "40 h" in longer


@pytest.mark.parametrize(
    ("query", "status"), [("", 200), ("?company=Pas%20un%20nom", 422), ("?utm_x=1", 200)]
)
async def test_a_link_without_its_company_says_so(world: World, query: str, status: int) -> None:
    seen = await world.client.get(f"/approvals/{new_id()}{query}")
    assert (seen.status_code, seen.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert ("ne nomme pas votre entreprise" in read(seen)) == (status == 200)


async def test_a_scanner_that_follows_the_link_decides_nothing(world: World) -> None:
    it = await asked(world)
    before = await version(it)
    for token in (None, it.hr, it.employee):
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            headers = (
                {"Cookie": f"__Host-maillon={token}", "Origin": "http://127.0.0.1:8000"} if token else {}
            )
            await world.client.request(method, it.page, headers=headers)
    assert await version(it) == before


async def test_it_is_nobody_elses(world: World) -> None:
    it, other = await asked(world), await asked(world)
    private = await asked(world, "personal_time")
    for token, page, status in (
        (other.hr, it.page, 404),
        (await world.person(), it.page, 404),
        (it.association.owner, it.page, 403),
        (private.hr, private.page, 404),
        (private.association.owner, private.page, 403),
        (it.hr, f"/approvals/{new_id()}", 404),
        (it.hr, it.page.replace("?", "x?"), 404),
    ):
        seen = await world.client.get(page, headers={"Cookie": f"__Host-maillon={token}"})
        assert (seen.status_code, seen.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert "Refondre" not in seen.text
        assert ("Il n’y a rien à cette adresse" in read(seen)) == (status == 404)
    answer = await world.call(it.employee, "GET", it.page)
    assert (answer.status_code, "Nul ne décide pour soi-même." in read(answer)) == (403, True)


@pytest.mark.parametrize(
    ("who", "act", "body", "said"),
    [
        ("hr", "refuse", {"reason": "Clôture."}, "n’a pas donné son accord"),
        ("employee", "withdraw", {"reason": "other"}, "a retiré cette candidature"),
        ("owner", "decline", {"reason": "other"}, "a retenu d’autres personnes"),
    ],
)
async def test_what_is_over_is_said_in_plain_words(
    world: World, who: str, act: str, body: dict[str, str], said: str
) -> None:
    it = await asked(world)
    token = {"hr": it.hr, "employee": it.employee, "owner": it.association.owner}[who]
    await world.ok(token, "POST", f"/v1/applications/{it.id}/{act}", body)
    seen = await look(world, it, it.hr)
    assert said in read(seen)
    assert "<form" not in seen.text


async def test_an_agreement_may_be_taken_back_on_the_page_until_the_first_day(world: World) -> None:
    it = await asked(world)
    await world.ok(it.hr, "POST", f"/v1/applications/{it.id}/approve")
    early = await look(world, it, it.hr)
    with clock.at(clock.now() + timedelta(days=8)):
        late = await look(world, it, it.hr)
    assert "peut le retirer jusqu’au premier jour" in read(early)
    assert re.findall(r"data-action=\"[^\"]+/(\w+)\"", early.text) == ["refuse"]
    assert "l’accord est acquis" in read(late)
    assert "<form" not in late.text


async def test_the_buttons_decide_on_what_was_shown(world: World) -> None:
    it = await asked(world)
    seen = await look(world, it, it.hr)
    shown = re.search(r'data-version="(\d+)"', seen.text)
    assert shown
    paths = re.findall(r'data-action="([^"]+)"', seen.text)
    await world.ok(it.association.owner, "POST", f"/v1/applications/{it.id}/shortlist")
    headers = {"Cookie": f"__Host-maillon={it.hr}", "If-Match": f'"v{shown[1]}-0"', "Accept-Language": "fr"}

    foreign = await world.client.post(paths[0], headers=headers | {"Origin": "https://ailleurs.example"})
    changed = await world.client.post(paths[0], headers=headers | {"Origin": "http://127.0.0.1:8000"})
    fresh = headers | {"Origin": "http://127.0.0.1:8000", "If-Match": f'"v{await version(it)}-0"'}
    given = await world.client.post(paths[0], headers=fresh)

    assert [foreign.status_code, changed.status_code, given.status_code] == [403, 412, 200]
    assert given.json()["employer_approval"] == "approved"


def test_every_page_is_known_public_and_only_read(app: Litestar) -> None:
    api = {id(handler) for handler in documented(app)}
    pages = {path: handler for path, handler in handlers(app) if id(handler) not in api}
    assert {path for path in pages if not path.startswith(("/docs", "/scim", "/openapi.json", "/web"))} == {
        "/approvals/{application_id:str}"
    }
    page: Any = pages["/approvals/{application_id:str}"]
    assert page.http_methods == {"GET"}
    assert actor.public in page.resolve_guards()
