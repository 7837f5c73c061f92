"""How long searches take while an association publishes, one mission after the other."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import httpx

from api.core import clock
from tests.bench.load import Round, load

_TODAY = clock.today("Europe/Paris")
_MISSION = {
    "title": "Refondre notre site web avec nous",
    "summary": "Un site lisible sur un téléphone, pour les bénévoles et le public.",
    "description": "Le site date de dix ans et personne ne sait plus le modifier : il faut le refaire avec nous. " * 2,
    "deliverable": "Un site en ligne, et une heure de prise en main.",
    "format": "project",
    "causes": ["education"],
    "skills": [{"skill": "web-design", "level": 2, "essential": True}],
    "effort_minutes": 1800,
    "location": {"postal_code": "69007"},
    "starts_on": (_TODAY + timedelta(days=7)).isoformat(),
    "ends_on": (_TODAY + timedelta(days=60)).isoformat(),
}  # fmt: skip


async def load_while_publishing(
    port: int,
    paths: Sequence[str],
    tokens: tuple[str, str],
    association: str,
    *,
    connections: int,
    seconds: float,
) -> tuple[Round, float]:
    """Give the round of the first token's searches, and how many missions the second published a second meanwhile."""
    published = 0

    async def publish() -> None:
        nonlocal published
        headers = {"Authorization": f"Bearer {tokens[1]}"}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False
        ) as client:
            while True:
                made = await client.post("/v1/missions", json=_MISSION | {"association_id": association})
                made.raise_for_status()
                done = await client.post(f"/v1/missions/{made.json()['id']}/submit")
                done.raise_for_status()
                published += 1

    publishing = asyncio.create_task(publish())
    searched = await load(port, paths, tokens[0], connections=connections, seconds=seconds)
    publishing.cancel()
    with suppress(asyncio.CancelledError):
        await publishing
    return searched, published / seconds
