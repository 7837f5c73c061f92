"""Writing exports: long reads under the operations role, hence outside of the reaction's transaction."""

from datetime import datetime

from api.core.settings import Settings
from api.identity.export import write_export
from api.identity.facts import ExportAsked
from workers.registry import reacts_outside_to


@reacts_outside_to(ExportAsked)
async def write_asked_export(fact: ExportAsked, _: Settings) -> datetime | None:
    """Write the export, unless it is written or its person erased."""
    await write_export(fact.export_id, fact.person_id)
    return None
