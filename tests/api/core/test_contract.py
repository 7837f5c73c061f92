"""Every operation under generated requests: no 5xx, and no status that the document does not know."""

from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.generation.case import Case

from api.app import create_litestar
from api.core import clock
from api.core.openapi import document
from api.core.settings import Settings
from tests.api.core.asking import Place, place
from tests.make.world import World

EXAMPLES = 12
DOCUMENT = document(
    create_litestar(
        Settings(database_url="x://x", redis_url="redis://x", smtp_url="x://x", secrets=("x" * 32,))
    )
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    found.definition.raw["operationId"]: found
    for found in (each.ok() for each in SCHEMA.get_all_operations() if isinstance(each, Ok))
}
SKIPPED = {
    "getMetrics": "takes a secret that no document tells",
    "getReadiness": "503 says what it says",
    "endSession": "ends the session that the other operations use",
    "eraseMe": "erases whom the other operations ask as",
}
_there: dict[str, Any] = {}


async def known(world: World) -> dict[str, Any]:
    """Give tokens of every role and ids of every kind, made once for all the operations."""
    if not _there:
        there: Place = await place(world)
        token, application = await world.engagement(there.association, there.company)
        entry = await world.ok(
            token,
            "POST",
            f"/v1/applications/{application['id']}/hours",
            {"worked_on": clock.today("Europe/Paris").isoformat(), "minutes": 60},
        )
        staff = await world.ok(there.company.admin, "GET", f"/v1/companies/{there.company.id}/employees")
        draft = await world.mission(there.association, publish=False)
        _there.update(
            tokens={
                "owner": there.association.owner,
                "hr": there.company.admin,
                "employee": token,
                "moderator": await world.moderator(),
                "admin": await world.admin(),
            },
            ids={
                "association_id": [there.association.id],
                "company_id": [there.company.id],
                "mission_id": [there.mission["id"], draft["id"]],
                "application_id": [application["id"]],
                "hours_id": [entry["id"]],
                "employee_id": [each["id"] for each in staff["items"]],
            },
        )
    return _there


def usual_role(path: str) -> str:
    """Say who calls an operation as a rule: refusals of the others are tried too, and prove little."""
    words = {
        "/me": "employee",
        "/withdraw": "employee",
        "mission_id}/applications": "employee",
        "application_id}/hours": "employee",
        "/accept": "owner",
        "/verify": "moderator",
        "/publish": "moderator",
        "/companies/": "hr",
        "/companies": "admin",
        "/approve": "hr",
        "/refuse": "hr",
        "/missions/{mission_id}/reject": "moderator",
    }
    return next((role for word, role in words.items() if word in path), "owner")


def path_of(case: Case[Any], ids: dict[str, list[str]], chooser: st.DataObject) -> str:
    """Write the path of a case with ids that exist, most of the time."""
    path: str = case.operation.path
    for name, generated in case.path_parameters.items():
        real = ids.get(name.partition(":")[0], [])
        options = [*real, *real, quote(str(generated), safe="")]
        path = path.replace("{" + name + "}", chooser.draw(st.sampled_from(options)))
    return path


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - SKIPPED.keys()))
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(chooser=st.data())
async def test_an_operation_answers_what_its_document_says(
    world: World, name: str, chooser: st.DataObject
) -> None:
    operation, there = OPERATIONS[name], await known(world)
    mode = chooser.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = chooser.draw(operation.as_strategy(generation_mode=mode))
    sent = case.as_transport_kwargs(base_url="http://maillon")
    role = chooser.draw(st.sampled_from([usual_role(operation.path)] * 4 + list(there["tokens"])))
    version = chooser.draw(st.sampled_from(["1", "2", "3"]))
    path = path_of(case, there["ids"], chooser)
    answer = await world.client.request(
        sent["method"],
        path,
        params={key: value for key, value in (sent.get("params") or {}).items() if value is not None} or None,
        headers={
            "Authorization": f"Bearer {there['tokens'][role]}",
            "Content-Type": "application/json",
            "If-Match": f'"v{version}-0000000000000000"',
        },
        **({"json": sent["json"]} if "json" in sent else {"content": sent.get("data") or b""}),
    )
    documented = operation.definition.raw["responses"].keys()
    told = (
        f"{sent['method']} {path} {sent.get('params')} {sent.get('json')}: {answer.status_code} {answer.text}"
    )
    assert answer.status_code < 500, told
    assert str(answer.status_code) in documented, told
    if answer.status_code == 204:
        return
    assert answer.headers["content-type"].startswith(tuple(media_types(operation, answer.status_code))), told


def media_types(operation: Any, status: int) -> list[str]:
    """Give the media types that an operation documents for a status."""
    return list(operation.definition.raw["responses"][str(status)].get("content", {"": None}))
