"""Mission templates over HTTP."""

from litestar import Router, get

from api.core.actor import public
from api.core.database import read
from api.core.routing import AskedLanguage, Reader, reading
from api.core.schemas import Page
from api.missions.templates import MissionTemplateOut, list_templates


@get("/v1/mission-templates", operation_id="listMissionTemplates", guards=[public])
async def list_mission_templates(request: Reader, lang: AskedLanguage = None) -> Page[MissionTemplateOut]:
    """List the templates that a mission may begin from, all of them at once."""
    async with read(None) as connection:
        return Page(items=await list_templates(connection, reading(request, lang)))


router = Router("/", route_handlers=[list_mission_templates], tags=["missions"])
