"""The reference page asks nothing of the outside."""

import re

import httpx


async def test_everything_the_reference_loads_comes_from_here(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    loaded = re.findall(r'<(?:script|link)[^>]*?(?:src|href)="([^"]+)"', page)

    assert len(loaded) == 4
    for address in loaded:
        if not address.startswith("data:"):
            assert (await client.get(address)).status_code == 200, address
    assert "SwaggerUIBundle" in page
    assert "applyToMission" in page


async def test_the_policy_of_the_page_lets_nothing_else_in(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "http" not in policy
