"""An employer answers from the link of a mail, in a real browser, at a real OpenID provider."""

import asyncio
import json
import shutil
import subprocess
from typing import Any

import httpx
import pytest

from api.dev.processes import free_port
from api.web.words import WORDS
from tests.make.processes import serving
from tests.make.provider import FOLDER, openid_provider
from tests.make.world import World

PEOPLE = {
    "rachida": {"given_name": "Rachida", "family_name": "Roux", "email": "r@x.example", "groups": ["RH"]}
}
SECRET = "un-secret-de-développement-assez-long".encode().hex()


def browse(**given: Any) -> Any:
    """Let the browser play its part; gives what it saw."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if chromium is None or node is None:
        pytest.skip("Chromium and Node are needed for the pages in a real browser")
    script = [node, str(FOLDER / "approve.mjs"), json.dumps({"chromium": chromium} | given)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def asked(world: World, issuer: str) -> tuple[str, dict[str, Any]]:
    """Give the path of a page, and the application whose employer, who signs in at the provider, is asked."""
    company, association = await world.company(approval="hr"), await world.association()
    provider = {
        "issuer": issuer,
        "audience": "maillon",
        "client_id": "maillon",
        "client_secret": SECRET,
        "role_claim": {"claim": "groups", "map": {"RH": "hr"}},
    }
    await world.ok(company.admin, "POST", f"/v1/companies/{company.id}/identity-providers", provider)
    slug = (await world.ok(company.admin, "GET", f"/v1/companies/{company.id}"))["slug"]
    application = await world.application(world.employee(company), await world.mission(association))
    return f"/approvals/{application['id']}?company={slug}", application


async def until_redirected(url: str) -> None:
    """Wait until a sign-in leads to the provider, which a busy machine may start slowly."""
    async with httpx.AsyncClient() as client:
        for _ in range(60):
            answer = await client.get(url)
            if answer.status_code == 302:
                return
            await asyncio.sleep(1)
    raise AssertionError(f"no way to the provider: {answer.status_code} {answer.text}")


async def test_an_employer_signs_in_agrees_and_takes_it_back_without_a_mouse(
    world: World, environment: dict[str, str]
) -> None:
    words = {
        name: WORDS[name].fr
        for name in ("sign_in", "agree", "refuse", "take_back", "reason", "reload", "away")
    }
    with serving(environment) as (address,):
        client = {
            "client_id": "maillon",
            "client_secret": SECRET,
            "redirect_uris": [f"{address}/v1/auth/callback"],
        }
        with openid_provider(free_port(), [client], PEOPLE) as issuer:
            path, application = await asked(world, issuer)
            url = address + path
            await until_redirected(f"{address}/v1/auth/companies/{path.rpartition('=')[2]}/login")
            saw = await asyncio.to_thread(browse, url=url, login="rachida", words=words, locale="fr-FR")

    pages = saw["pages"]
    assert application["mission"]["title"] not in pages["signed_out"]["says"]
    assert application["mission"]["title"] in pages["asked"]["says"]
    assert pages["asked"]["buttons"] == [words["agree"], words["refuse"]]
    assert saw["missing"] is True
    assert pages["agreed"]["buttons"] == [words["take_back"]]
    assert "entre-temps" in pages["stale"]["says"]
    assert WORDS["employer_refused"].fr in pages["taken_back"]["says"]
    for name, page in pages.items():
        assert (page["language"], page["width"], page["violations"]) == ("fr", 360, []), (name, page)
    assert set(saw["hosts"]) == {"127.0.0.1"}
    assert [line for line in saw["complaints"] if "412" not in line and "ERR_INTERNET" not in line] == []
    ended = await world.ok(None, "GET", f"/v1/missions/{application['mission_id']}")
    assert ended["places_left"] == 1
