"""A company's directory, as Entra or Okta would speak for it."""

from typing import Any

import httpx

from tests.make.world import Company, World

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MAILLON = "urn:ietf:params:scim:schemas:extension:maillon:2.0:User"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"


class Directory:
    """Speaks SCIM with a token; `ok` gives the body of a success."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client = client
        self.token = token

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Ask; `if_match="…"` becomes the header If-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {self.token}"
        named.setdefault("content-type", "application/scim+json")
        content = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        return await self.client.request(method, f"/scim/v2{path}", headers=named, **content)

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask, and give the body of a success."""
        answer = await self.call(method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def user(self, user_name: str, **fields: Any) -> dict[str, Any]:
        """Make a User."""
        schemas = [CORE + "User", *(key for key in fields if key.startswith("urn:"))]
        made: dict[str, Any] = await self.ok(
            "POST", "/Users", {"schemas": schemas, "userName": user_name} | fields
        )
        return made

    async def group(self, name: str, *members: str) -> dict[str, Any]:
        """Make a Group."""
        body = {
            "schemas": [CORE + "Group"],
            "displayName": name,
            "members": [{"value": member} for member in members],
        }
        made: dict[str, Any] = await self.ok("POST", "/Groups", body)
        return made

    async def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx.Response:
        """Send PATCH operations."""
        body = {"schemas": [MESSAGES + "PatchOp"], "Operations": list(operations)}
        return await self.call("PATCH", path, body, **headers)

    async def find(self, kind: str, filter_: str) -> list[dict[str, Any]]:
        """Search by a filter."""
        answer = await self.client.get(
            f"/scim/v2/{kind}", params={"filter": filter_}, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json().get("Resources", [])
        return found


async def directory_of(world: World, company: Company) -> Directory:
    """Give a new token of a company's directory, and who speaks with it."""
    made = await world.ok(
        company.admin, "POST", f"/v1/companies/{company.id}/scim-tokens", {"name": "Annuaire"}
    )
    return Directory(world.client, made["token"])


async def keyed(world: World, company: Company) -> None:
    """Let the company's provider and its directory name people alike, as Entra does by `oid` and `externalId`."""
    path = f"/v1/companies/{company.id}/identity-providers"
    (provider,) = (await world.ok(company.admin, "GET", path))["items"]
    tag = f'"v{provider["version"]}-0"'
    key = {"employee_key": {"claim": "oid", "scim": "externalId"}}
    await world.ok(company.admin, "PATCH", f"{path}/{provider['id']}", key, if_match=tag)


async def allow(world: World, company: Company, **roles: str) -> None:
    """Allow-list groups of the company's directory, and no others."""
    path = f"/v1/companies/{company.id}"
    tag = (await world.call(company.admin, "GET", path)).headers["etag"]
    await world.ok(company.admin, "PATCH", path, {"group_roles": roles}, if_match=tag)
