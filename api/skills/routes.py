"""Skills and causes over HTTP."""

from typing import Annotated

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from api.core.actor import public
from api.core.database import read
from api.core.pagination import CursorText, Limit
from api.core.parameters import pasted
from api.core.problems import NotFound
from api.core.routing import AskedLanguage, Reader, reading
from api.core.schemas import Page
from api.skills import queries
from api.skills.schemas import CauseOut, SkillOut

Typed = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=100, description="What is typed of a label or alias, in either language."
    ),
]
Family = Annotated[str | None, QueryParameter(max_length=60, description="The id of a family.")]


@get("/v1/skills", operation_id="listSkills", guards=[public])
async def list_skills(
    request: Reader,
    q: Typed = None,
    family: Family = None,
    lang: AskedLanguage = None,
    limit: Limit = 20,
    cursor: CursorText = None,
) -> Page[SkillOut]:
    """List the skills in use by label; with `q`, those it may mean, the likeliest first, typos and accents forgiven."""
    language = reading(request, lang)
    async with read(None) as connection:
        if q is None:
            return await queries.list_skills(connection, language, family, limit, cursor)
        return await queries.search_skills(connection, pasted(q), language, family, limit, cursor)


@get("/v1/skills/{skill_id:str}", operation_id="getSkill", guards=[public], raises=[NotFound])
async def get_skill(request: Reader, skill_id: FromPath[str], lang: AskedLanguage = None) -> SkillOut:
    """Give a skill; a deprecated one says which to name instead."""
    async with read(None) as connection:
        return await queries.get_skill(connection, skill_id, reading(request, lang))


@get("/v1/causes", operation_id="listCauses", guards=[public])
async def list_causes(request: Reader, lang: AskedLanguage = None) -> Page[CauseOut]:
    """List the causes, each with the Sustainable Development Goals it serves."""
    async with read(None) as connection:
        return await queries.list_causes(connection, reading(request, lang))


router = Router("/", route_handlers=[list_skills, get_skill, list_causes], tags=["skills"])
