"""Every operation: guarded or public, named once, in a name of the contract, with its problems."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from api.core import actor
from api.core.idempotency import takes_key
from api.core.openapi import document
from tests.make.commands import maillon
from tests.schema.contract import OPERATIONS

ROOT = Path(__file__).parents[2]
GUARDS = {getattr(actor, name) for name in ("public", "signed_in", "employed", "moderator", "admin")}
OURS = {
    *("getReadiness", "getMetrics", "downloadExport", "giveFeedback", "listPolicies", "deletePolicy"),
    "listInvitations",
}
"""Operations of the operators that the contract groups under `health`, what the `url` of an export names, what both
sides say at the end, the history that the contract wants readable, with what is planned in it, and what
`revokeInvitation` takes back."""


def handlers(app: Litestar) -> Iterator[tuple[str, BaseRouteHandler]]:
    """Give every handler with its path, without the OPTIONS that Litestar adds."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]:
            if not isinstance(handler, HTTPRouteHandler) or handler.http_methods != {"OPTIONS"}:
                assert handler is not None
                yield route.path, handler


def operations(app: Litestar) -> list[HTTPRouteHandler]:
    """Give the handlers that are in the document."""
    return [
        handler
        for _, handler in handlers(app)
        if isinstance(handler, HTTPRouteHandler) and handler.resolve_include_in_schema()
    ]


def test_every_route_has_a_guard_or_says_that_it_is_public(app: Litestar) -> None:
    found = {path: set(handler.resolve_guards()) for path, handler in handlers(app)}
    assert {path for path, guards in found.items() if not guards & GUARDS} == set()
    assert len(found) > 40


def test_only_what_the_contract_says_is_public(app: Litestar) -> None:
    public = {handler.operation_id for handler in operations(app) if actor.public in handler.resolve_guards()}
    assert public == {
        "health",
        "getReadiness",
        "getMetrics",
        "listAssociations",
        "getAssociation",
        "searchMissions",
        "getMission",
        "listSkills",
        "getSkill",
        "listCauses",
        "listMissionTemplates",
        "startMagicLink",
        "redeemMagicLink",
        "startCompanyLogin",
        "finishCompanyLogin",
        "getCalendarFeed",
    }
    written = {handler.operation_id for handler in operations(app) if handler.http_methods != {"GET"}}
    assert public & written == {"startMagicLink", "redeemMagicLink"}


def test_every_operation_has_one_name_of_the_contract(app: Litestar) -> None:
    names = Counter(str(handler.operation_id) for handler in operations(app))
    assert [name for name, count in names.items() if count > 1] == []
    assert names.keys() - OPERATIONS - OURS == set()


def test_every_operation_is_described_and_answers_problems(app: Litestar) -> None:
    written = document(app)
    by_name = {str(handler.operation_id): handler for handler in operations(app)}
    for path, item in written["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["description"], where
            for status, answer in operation["responses"].items():
                assert (status >= "400") == ("application/problem+json" in answer.get("content", {})), where
            assert "503" in operation["responses"], where
            probe = path in {"/healthz", "/readyz", "/metrics"}
            assert ({"401", "429"} <= operation["responses"].keys()) != probe, where
            guarded = operation["operationId"] not in {
                handler.operation_id
                for handler in operations(app)
                if actor.public in handler.resolve_guards()
            }
            assert ("security" in operation) == guarded, where
            if guarded:
                assert {"401", "403"} <= operation["responses"].keys(), where
            if "{" in path:
                assert "404" in operation["responses"], where
            if method == "patch" and path != "/v1/me":
                assert {"412", "428"} <= operation["responses"].keys(), where
                assert "If-Match" in {each["name"] for each in operation["parameters"]}, where
            if method == "post" and takes_key(by_name[operation["operationId"]]):
                assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}, where


def test_every_shape_is_described(app: Litestar) -> None:
    schemas = document(app)["components"]["schemas"]
    untold = {name for name, schema in schemas.items() if not schema.get("description")}
    assert {name for name in untold if not name.startswith("Page_")} == set()
    assert "null to the employer" in schemas["ApplicationOut"]["description"]


def test_every_body_is_closed_to_unknown_fields(app: Litestar) -> None:
    written = document(app)
    schemas = written["components"]["schemas"]
    bodies = {
        schema["$ref"].rpartition("/")[2]
        for item in written["paths"].values()
        for operation in item.values()
        for media in operation.get("requestBody", {}).get("content", {}).values()
        for schema in [media["schema"], *media["schema"].get("oneOf", ())]
        if "$ref" in schema
    }
    assert len(bodies) > 10
    assert {name for name in bodies if schemas[name].get("additionalProperties") is not False} == set()


def test_only_json_is_documented_for_bodies(app: Litestar) -> None:
    media = {
        kind
        for item in document(app)["paths"].values()
        for operation in item.values()
        for kind in operation.get("requestBody", {}).get("content", {})
    }
    assert media == {"application/json"}


def test_a_list_has_a_limit_and_a_cursor(app: Litestar) -> None:
    for item in document(app)["paths"].values():
        for operation in item.values():
            if operation["operationId"].startswith(("list", "search")):
                names = {each["name"] for each in operation.get("parameters", [])}
                if operation["operationId"] not in (
                    "listIdentityProviders",
                    "listApiKeys",
                    "listScimTokens",
                    "listCauses",
                    "listMissionTemplates",
                ):  # a few
                    assert {"limit", "cursor"} <= names, operation["operationId"]


def test_names_are_in_snake_case(app: Litestar) -> None:
    written = document(app)
    names = {
        name for schema in written["components"]["schemas"].values() for name in schema.get("properties", {})
    } | {
        each["name"]
        for item in written["paths"].values()
        for operation in item.values()
        for each in operation.get("parameters", [])
        if each["in"] == "query"
    }
    assert {name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)} == set()


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_the_document_tells_bounds_of_nought_and_where_nothing_is_without_a_token(app: Litestar) -> None:
    written = document(app)
    policy = written["components"]["schemas"]["PolicyIn"]["properties"]
    assert [policy[name]["minimum"] for name in ("yearly_minutes", "budget_minutes")] == [0, 0]
    assert "404" in written["paths"]["/metrics"]["get"]["responses"]


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_the_committed_document_is_the_one_served(app: Litestar) -> None:
    committed = json.loads((ROOT / "openapi" / "openapi.json").read_text())
    assert json.loads(json.dumps(document(app))) == committed, "make openapi"
    printed = maillon({}, "openapi")
    assert printed.exit_code == 0, printed.output
    assert printed.stdout == (ROOT / "openapi" / "openapi.json").read_text()
