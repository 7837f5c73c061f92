"""A real OpenID provider (npm oidc-provider) on loopback, and a browser that signs in there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

FOLDER = Path(__file__).parents[1] / "oidc"
_FORM = re.compile(r'<form[^>]*action="(?P<action>[^"]+)"')


@contextmanager
def openid_provider(port: int, clients: list[dict[str, Any]], people: dict[str, Any]) -> Iterator[str]:
    """Run the provider with keys of its own, new each time; yields its issuer."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").exists():
        pytest.skip("Node and `make node` are needed for the real OpenID provider")
    given = json.dumps({"port": port, "clients": clients, "people": people})
    with subprocess.Popen(
        [node, str(FOLDER / "server.mjs"), given],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def sign_in_at_provider(url: str, login: str) -> str:
    """Do what a person does in their browser; gives the address that the provider sends them back to."""
    async with httpx.AsyncClient(follow_redirects=False, timeout=10) as browser:
        answer = await browser.get(url)
        for _ in range(10):
            if answer.is_redirect:
                place = urljoin(str(answer.url), answer.headers["location"])
                if "/v1/auth/callback" in place:
                    return place
                answer = await browser.get(place)
                continue
            form = _FORM.search(answer.text)
            assert form, answer.text[:500]
            prompt = "login" if 'name="login"' in answer.text else "consent"
            answer = await browser.post(
                urljoin(str(answer.url), form["action"]),
                data={"prompt": prompt, "login": login, "password": "any"},
            )
    raise AssertionError("the provider sends the browser round in circles")
