"""What we serve of SCIM: the few attributes that Maillon keeps, and nothing else of a person."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, model_validator
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Context,
    ETag,
    ExtensibleStringEnum,
    Extension,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MOST_RESULTS = 100
MOST_OPERATIONS = 100
MOST_BYTES = 1_000_000


class Name(ComplexAttribute):
    """A name, as the company knows it."""

    given_name: str | None = None
    family_name: str | None = None


class Email(ComplexAttribute):
    """An address at work; one is kept."""

    class Type(ExtensibleStringEnum):
        """Which address it is."""

        work = "work"

    value: str | None = None
    type: Type | None = None


class Manager(ComplexAttribute):
    """Whom an employee answers to, in the same company; Entra sends the id alone, or in a list."""

    value: Annotated[str | None, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.read_write] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, given: Any) -> Any:
        if isinstance(given, list) and len(given) == 1:
            given = given[0]
        return {"value": given} if isinstance(given, str) else given


class EnterpriseUser(Extension):
    """The place of an employee in the company (RFC 7643 §4.3)."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    department: str | None = None
    manager: Manager | None = None


class MaillonUser(Extension):
    """What Maillon reports by, and RFC 7643 does not name."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:maillon:2.0:User")

    site: str | None = None
    grade: str | None = None


class User(Resource[Any]):
    """An employee."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    preferred_language: str | None = None
    active: Annotated[bool | None, Required.true] = None
    emails: list[Email] | None = None

    Name: ClassVar[type[ComplexAttribute]] = Name
    Emails: ClassVar[type[ComplexAttribute]] = Email

    @model_validator(mode="before")
    @classmethod
    def _arrive_active(cls, given: Any, info: ValidationInfo) -> Any:
        """Take a new User who is not said to be inactive for active; a PUT has to say which."""
        created = (info.context or {}).get("scim") == Context.RESOURCE_CREATION_REQUEST
        if created and isinstance(given, dict) and "active" not in {name.lower() for name in given}:
            return given | {"active": True}
        return given


class GroupMember(ComplexAttribute):
    """An employee in a group; groups of groups are not served."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )


class Group(Resource[Any]):
    """A group of employees; one that the company allow-lists gives its members a role."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[GroupMember] | None = None

    Members: ClassVar[type[ComplexAttribute]] = GroupMember


Employee: Any = User.__class_getitem__(EnterpriseUser | MaillonUser)
"""The model of `/Users`, with its extensions."""

PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, MaillonUser, Group],
    resource_types=[ResourceType.from_resource(Employee), ResourceType.from_resource(Group)],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MOST_OPERATIONS, max_payload_size=MOST_BYTES),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=Pagination(cursor=False, index=True, max_page_size=MOST_RESULTS),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer",
                description="A token of the company's directory (createScimToken).",
                primary=True,
            )
        ],
    ),
    # Directories send all they know, and Entra in its own dialect: what is not ours is left aside.
    policy=ScimPolicy(
        unknown=ScimPolicy.Unknown.ignore,
        remove_value_as_filter=ScimPolicy.RemoveValue.apply,
        unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
    ),
)
