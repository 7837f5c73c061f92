"""`maillon skills`: the list of skills, completed and pruned by the operator."""

from pathlib import Path

import click
import msgspec

from api.skills.esco import import_esco
from api.skills.service import deprecate_skill
from api.terminal import with_database

File = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def skills() -> None:
    """The list of skills."""


@skills.command("import-esco")
@click.option("--fr", "french", required=True, type=File, help="ESCO's skills_fr.csv.")
@click.option("--en", "english", required=True, type=File, help="ESCO's skills_en.csv.")
@click.option("--add", multiple=True, metavar="URI", help="A concept to add; may be given again.")
@click.option("--all", "everything", is_flag=True, help="Add every concept.")
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@with_database
async def skills_import_esco(
    french: Path, english: Path, add: tuple[str, ...], *, everything: bool, dry_run: bool
) -> None:
    """Complete the list from the official files of ESCO, and print what was done as JSON.

    Skills of the list gain ESCO's labels as aliases; obsolete concepts deprecate theirs.
    """
    imported = await import_esco(french, english, None if everything else add, dry_run=dry_run)
    click.echo(msgspec.json.encode(imported).decode())


@skills.command("deprecate")
@click.argument("skill_id", metavar="ID")
@click.option("--replaced-by", metavar="ID", help="The skill to name instead.")
@with_database
async def skills_deprecate(skill_id: str, replaced_by: str | None) -> None:
    """Take a skill out of the list; missions that name it keep it until their skills are edited."""
    await deprecate_skill(skill_id, replaced_by)
