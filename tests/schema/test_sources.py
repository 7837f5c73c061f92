"""What the architecture says of imports, SQL and the environment, read in the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "api").rglob("*.py")) + sorted((ROOT / "workers").rglob("*.py"))
TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in SOURCES}
ENVIRONMENT = {
    "api/administration.py",
    "api/main.py",
    "api/cli.py",
    "api/terminal.py",
    "workers/main.py",
    "workers/supervise.py",
}
"""Entry points; api/dev starts processes, which is its work."""
ARQ = {"workers/main.py", "workers/relay.py", "workers/runner.py"}
LONGEST = 300
LONGER: dict[str, str] = {}
_SQL = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS|LOCK|CREATE|ALTER|DROP)\b")


def imports(tree: ast.Module) -> Iterator[str]:
    """Give the modules that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def importers(package: str) -> set[str]:
    """Give the files that import a package."""
    return {
        file
        for file, tree in TREES.items()
        if any(name == package or name.startswith(f"{package}.") for name in imports(tree))
    }


def test_the_api_never_imports_the_workers() -> None:
    at_home = {file for file in importers("workers") if file.startswith("api/")}
    assert at_home - {"api/cli.py"} == {file for file in at_home if file.startswith("api/dev/")}


def test_arq_is_imported_in_three_files() -> None:
    assert importers("arq") <= ARQ


def test_the_environment_is_read_at_the_doors_alone() -> None:
    readers = {
        file
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(alias.name in ("environ", "getenv") for alias in node.names)
        )
    }
    assert {file for file in readers if not file.startswith("api/dev/")} - ENVIRONMENT == set()


def test_the_clock_is_asked_for_the_time() -> None:
    for file, tree in TREES.items():
        if file == "api/core/clock.py" or file.startswith("api/dev/"):
            continue
        asked = {
            ast.unparse(node.func)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert (
            asked & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "datetime.today"} == set()
        ), file


@pytest.mark.parametrize(
    "file",
    sorted(file for file in TREES if file.endswith(("/routes.py", "/policy.py", "/facts.py", "/schemas.py"))),
)
def test_routes_policies_facts_and_schemas_hold_no_sql(file: str) -> None:
    texts = [
        node.value
        for node in ast.walk(TREES[file])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if _SQL.match(text)] == []


@pytest.mark.parametrize("file", sorted(file for file in TREES if file.endswith("/routes.py")))
def test_routes_open_no_transaction_know_no_table_and_stay_short(file: str) -> None:
    names = set(imports(TREES[file]))
    assert not any(
        name.endswith(".tables") or name == "asyncpg" or name.startswith("piccolo") for name in names
    )
    taken = {
        alias.name
        for node in ast.walk(TREES[file])
        if isinstance(node, ast.ImportFrom) and node.module == "api.core.database"
        for alias in node.names
    }
    assert taken <= {"read"}
    for node in TREES[file].body:
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            assert len([each for each in ast.walk(node) if isinstance(each, ast.stmt)]) <= 10, node.name


@pytest.mark.parametrize(
    "file", sorted(file for file in TREES if file.endswith(("/service.py", "/queries.py", "/policy.py")))
)
def test_services_know_no_web_queue_or_mail(file: str) -> None:
    forbidden = ("litestar", "arq", "redis", "httpx", "aiosmtplib", "workers")
    assert {name for name in imports(TREES[file]) if name.split(".")[0] in forbidden} == set()


@pytest.mark.parametrize("file", sorted(file for file in TREES if file.endswith("/queries.py")))
def test_queries_write_nothing(file: str) -> None:
    texts = [
        node.value
        for node in ast.walk(TREES[file])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if re.match(r"\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE)\b", text)] == []


def test_nothing_is_formatted_into_sql() -> None:
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                head = node.values[0]
                text = head.value if isinstance(head, ast.Constant) else ""
                # The walls are written from parsed values alone: a BEGIN takes no parameters.
                assert not _SQL.match(str(text)), (file, node.lineno)


def test_piccolo_never_opens_a_transaction() -> None:
    for file, tree in TREES.items():
        called = {
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert called & {"atomic", "batch", "run_sync", "save"} == set(), file


def test_no_file_is_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {file: length for file, length in lengths.items() if length > LONGEST}.keys() == LONGER.keys()


def test_requests_and_answers_are_frozen_structs_with_bounded_texts() -> None:
    bare = []
    for file, tree in TREES.items():
        if not file.endswith("/schemas.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.endswith(("In", "Patch")):
                bare += [
                    (file, node.name, ast.unparse(field.target))
                    for field in node.body
                    if isinstance(field, ast.AnnAssign)
                    and {"str", "int", "float"}
                    & {each.strip() for each in ast.unparse(field.annotation).split("|")}
                ]
    assert bare == []
