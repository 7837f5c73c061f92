"""Every problem is explained to whoever meets it, and met by somebody; every fact has its reaction."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from litestar import Litestar

import workers.reactions
from api.core.outbox import FACTS
from api.core.problems import Problem
from tests.schema.test_routes import operations
from workers.registry import OWED, REACTIONS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "openapi" / "problems.md").read_text()
UNHEARD: dict[str, str] = {}
"""Facts that nothing reacts to, each with its reason."""


def problems(of: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Give every problem that the application can answer."""
    for kind in of.__subclasses__():
        yield kind
        yield from problems(kind)


BY_SLUG = sorted(problems(), key=lambda kind: kind.slug)


def sources(folder: str) -> dict[Path, str]:
    """Give the Python files of a folder."""
    return {path: path.read_text() for path in sorted((ROOT / folder).rglob("*.py"))}


def test_every_problem_has_its_heading_and_no_heading_is_of_none(app: Litestar) -> None:
    assert app.routes
    headings = re.findall(r"^## (\S+)$", TEXT, re.MULTILINE)
    slugs = [kind.slug for kind in problems()]
    assert [slug for slug, count in Counter(headings).items() if count > 1] == []
    assert [slug for slug, count in Counter(slugs).items() if count > 1] == []
    assert set(headings) == set(slugs)


@pytest.mark.parametrize("kind", BY_SLUG, ids=lambda kind: str(kind.slug))
def test_a_problem_says_its_status_and_what_to_do(kind: type[Problem]) -> None:
    section = TEXT.split(f"\n## {kind.slug}\n")[1].split("\n## ")[0].strip()
    assert section.startswith(f"{kind.status}. ")
    assert 1 <= len(section.splitlines()) <= 4
    assert section.count(".") >= 2
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.slug)
    assert 400 <= kind.status <= 599
    assert kind.title.en != kind.title.fr
    assert kind.__doc__


def test_every_problem_is_met_by_somebody(app: Litestar) -> None:
    text = "\n".join(sources("api").values())
    listed = {kind for handler in operations(app) for kind in handler.raises or ()}
    unmet = {
        kind.__name__
        for kind in problems()
        if kind not in listed and not re.search(rf"(raise |return |problems\.){kind.__name__}\b", text)
    }
    assert unmet == set()


def raised_in(tree: ast.Module) -> set[str]:
    """Give the names raised by a module, or made to be."""
    return {
        ast.unparse(target.func if isinstance(target, ast.Call) else target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise | ast.Return)
        for target in [node.exc if isinstance(node, ast.Raise) else node.value]
        if target
    }


def test_what_a_service_raises_of_its_own_is_listed_by_an_operation(app: Litestar) -> None:
    listed = {kind.__name__ for handler in operations(app) for kind in handler.raises or ()}
    own = {kind.__name__ for kind in problems() if kind.__module__.endswith(".service")}
    raised = {
        name
        for path, text in sources("api").items()
        if path.name.startswith("service")
        for name in raised_in(ast.parse(text))
    }
    assert own & raised - listed == set()
    assert own - raised == set()


def leaves() -> set[str]:
    """Give the facts that happen; a fact with subclasses is what they have in common."""
    return {name for name, fact in FACTS.items() if not fact.__subclasses__()}


def test_every_fact_has_its_reaction() -> None:
    assert workers.reactions.__doc__
    assert {name for name in leaves() if not OWED.get(name)} == set(UNHEARD)
    assert OWED.keys() <= FACTS.keys()
    assert {name for names in OWED.values() for name in names} == REACTIONS.keys()


def test_every_fact_is_recorded_by_a_service() -> None:
    text = "\n".join(
        text for path, text in sources("api").items() if path.name not in ("facts.py", "__init__.py")
    )
    assert {name for name in leaves() if not re.search(rf"\b{name}\b[(,)]", text)} == set()


def test_a_fact_holds_ids_and_codes_alone() -> None:
    for name, fact in FACTS.items():
        for field in msgspec.structs.fields(fact):
            assert "UUID" in str(field.type) or "Literal[" in str(field.type), (name, field.name)
