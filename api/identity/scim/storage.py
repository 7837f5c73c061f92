"""A company's directory as scim2-server stores it: each operation one transaction within the company's walls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from scim2_models import (
    InvalidValueException,
    NotImplementedException,
    Path,
    Resource,
    ResourceType,
    ResponseParameters,
    SearchRequest,
    UniquenessException,
)
from scim2_server.conditions import Conditions
from scim2_server.handler import AsyncScimHandler
from scim2_server.storage import AsyncScimStorage, SearchPage

from api.core.actor import system
from api.core.database import transaction
from api.identity.scim import groups, users
from api.identity.scim.description import Group

_TAKEN = {
    "employee_was_erased": "externalId or userName (of somebody erased at their own wish: HR alone brings them back)",
    "employee_user_name_unique": "userName",
    "employee_external_id_unique": "externalId",
    "scim_group_display_name_unique": "displayName",
    "scim_group_external_id_unique": "externalId",
}
_NOT_A_MANAGER = ("employee_manager_in_company", "employee_not_own_manager")
_KINDS: dict[str | None, Any] = {"User": users, "Group": groups}


class Directory(AsyncScimStorage):
    """The Users and Groups of one company; nothing here can name another."""

    def __init__(self, company_id: UUID) -> None:
        self.company_id = company_id

    @asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """Commit before the answer is made; raises UniquenessException, InvalidValueException."""
        try:
            async with transaction(system(company_id=self.company_id)):
                yield
        except asyncpg.IntegrityConstraintViolationError as error:
            if error.constraint_name in _TAKEN:
                raise UniquenessException(detail=f"{_TAKEN[error.constraint_name]} is taken") from None
            if error.constraint_name in _NOT_A_MANAGER:
                raise InvalidValueException(detail="manager.value names no other User") from None
            if error.constraint_name == "scim_group_member_of_employee":
                raise InvalidValueException(detail="members.value names no User") from None
            raise

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """Give a resource, locked where it is read to be edited: then no response is being made of it."""
        kind = _KINDS[resource_type.name]
        edited = response_parameters is None
        found: Resource[Any] = await kind.get(
            self.company_id, resource_id, whole=edited or _has_members(response_parameters), lock=edited
        )
        return found

    async def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        """Give a page; over several types it is all of the first, then all of the second."""
        if search_request.sort_by and len(resource_types) > 1:
            raise NotImplementedException(detail="Sorting takes one resource type")
        page = SearchPage(0, [])
        for resource_type in resource_types:
            start = max(0, (search_request.start_index_0 or 0) - (page.total or 0))
            left = None if search_request.count is None else search_request.count - len(page.resources)
            whole = _has_members(search_request)
            part = await _KINDS[resource_type.name].search(
                self.company_id, search_request, start, left, whole=whole
            )
            page = SearchPage((page.total or 0) + part.total, page.resources + part.resources)
        return page

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Keep a new resource."""
        created: Resource[Any] = await _KINDS[resource_type.name].add(self.company_id, resource)
        return created

    async def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """Replace a resource by another state of it."""
        kind = _KINDS[resource_type.name]
        updated: Resource[Any] = await kind.change(self.company_id, resource, expected_version)
        return updated

    async def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        """Take a resource away."""
        await _KINDS[resource_type.name].remove(self.company_id, resource_id, expected_version)


class MovingHandler(AsyncScimHandler):
    """The library's handler, which lets members come and go without reading a group of thousands."""

    async def patch_resource(
        self,
        resource_type: ResourceType,
        resource_id: str,
        patch_op: Any,
        conditions: Conditions,
    ) -> Resource[Any]:
        """Edit a resource; what is given of a group whose members moved is without its members."""
        moves = groups.moves_of(patch_op) if resource_type.name == "Group" else None
        if moves is None or not isinstance(self.storage, Directory):
            return await super().patch_resource(resource_type, resource_id, patch_op, conditions)
        company_id = self.storage.company_id
        group = await groups.get(company_id, resource_id, whole=False, lock=True)
        self.service.check_preconditions(group, "PATCH", conditions)
        return await groups.move(company_id, resource_id, moves)


def _has_members(asked: ResponseParameters[Any] | None) -> bool:
    """Tell whether a Group is to be given with its members, which may be many."""
    if asked is None:
        return True
    kept = Path[Group].iter_paths(
        include_subattributes=False,
        attributes=asked.attributes,
        excluded_attributes=asked.excluded_attributes,
    )
    return "members" in {str(path).rpartition(":")[2] for path in kept}
