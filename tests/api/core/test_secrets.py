"""Secrets are shown once: a dump of the whole database holds none of them, in any form, nor does the log."""

import asyncio
import io
import re
from base64 import b64encode, urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from api.core.settings import Settings
from api.dev.account import CALLER
from api.dev.folders import FOLDER_VARIABLE
from api.dev.programs import postgres_bin
from api.identity import service as identity
from tests.api.core.asking import fresh_key, place
from tests.api.core.test_log import deliver_all
from tests.api.test_magic_links import code_to, new_address, redeem, start
from tests.api.test_members import code_to as invitation_to
from tests.api.test_members import invite
from tests.make.misbehaving import misbehaving_provider
from tests.make.world import Company, World

CLIENT_SECRET = "un-secret-de-client-que-rien-ne-montre"


async def minted(world: World) -> dict[str, str]:
    """Give a secret of every kind, each used or about to be."""
    there, email = await place(world), new_address("secrets")
    request = await start(world, email)
    code, invited = await code_to(email), new_address("invitee")
    opened = await redeem(world, request, code)
    await invite(world, there.association.owner, there.association, invited, "coordinator")
    path = f"/v1/organisations/{there.company.id}/api-keys"
    key = await world.ok(
        there.company.admin,
        "POST",
        path,
        {"name": "Clé", "scopes": ["ledger:read"]},
        idempotency_key=fresh_key(),
    )
    return {
        "request of a sign-in": request,
        "code of a sign-in": code,
        "code as it was mailed": f"{code[:5]}-{code[5:]}",
        "session": opened.json()["token"],
        "session of an operator": await identity.issue_token(email, timedelta(hours=1)),
        "code of an invitation": await invitation_to(invited),
        "API key": key["key"],
        "company token": world.employee(there.company),
        **await began_login(world, there.company),
    }


async def began_login(world: World, company: Company) -> dict[str, str]:
    """Begin a sign-in at a provider: give what the browser keeps, and what came of it."""
    with misbehaving_provider() as provider:
        provider.behaves()
        body = {"issuer": provider.issuer, "audience": "pages", "client_id": "maillon"}
        base = f"/v1/companies/{company.id}"
        await world.ok(
            company.admin, "POST", f"{base}/identity-providers", body | {"client_secret": CLIENT_SECRET}
        )
        slug = (await world.ok(company.admin, "GET", base))["slug"]
        begun = await world.call(None, "GET", f"/v1/auth/companies/{slug}/login?return_to=/")
    assert begun.status_code in (302, 303, 307), begun.text
    kept = re.search(r"__Host-[^=]+=\"?([^;\"]+)", begun.headers["set-cookie"])
    state = httpx.URL(begun.headers["location"]).params["state"]
    assert kept
    return {"secret of a login": kept[1], "state of a login": state, "client secret": CLIENT_SECRET}


def forms(secret: str) -> set[str]:
    """Give how a text may be written: as it is, in hexadecimal (as a dump writes bytes), in base64."""
    raw = secret.encode()
    return {
        secret,
        raw.hex(),
        *(encode(raw).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)),
        # Within a longer text, base64 begins at any of three places.
        *(b64encode(b" " * shift + raw)[4:-4].decode() for shift in (1, 2)),
    }


async def dumped(environment: dict[str, str]) -> str:
    """Give the whole database as pg_dump writes it."""
    program = postgres_bin(Path(environment[FOLDER_VARIABLE]), CALLER) / "pg_dump"
    url = environment["MAILLON_DATABASE_OWNER_URL"].replace("//maillon_owner@", "//postgres@")
    ran = await asyncio.create_subprocess_exec(
        program, "--dbname", url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await ran.communicate()
    assert ran.returncode == 0, error
    return out.decode()


async def test_no_secret_is_in_a_dump_or_in_the_log(
    world: World, settings: Settings, environment: dict[str, str], lines: io.BytesIO
) -> None:
    secrets = await minted(world)
    for name in ("session", "session of an operator", "company token"):
        answer = await world.call(secrets[name], "PATCH", "/v1/me", {"given_name": "Témoin"})
        assert answer.status_code == 200, name
    await world.call(secrets["API key"], "GET", "/v1/me")
    await world.call(f"{secrets['session']}x", "GET", f"/v1/missions?q={secrets['session']}")
    await deliver_all(settings)

    dump, told = await dumped(environment), lines.getvalue().decode()

    assert "Témoin" in dump
    assert '"request"' in told
    places: dict[str, Any] = {"dump": dump, "log": told}
    found = {
        (name, place)
        for name, secret in secrets.items()
        for place, text in places.items()
        if any(form in text for form in forms(secret))
    }
    assert found == set()
