"""The rules of the house, each a test: where things are, how long they may grow, what nobody writes here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DAGS = sorted((REPOSITORY / "dags").rglob("*.py"))
PACKAGE = sorted((REPOSITORY / "plugins" / "data_lifecycle").rglob("*.py"))
CODE = [*DAGS, *sorted((REPOSITORY / "plugins").rglob("*.py"))]
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
SQL = sorted((REPOSITORY / "include" / "sql").rglob("*.sql"))
SCHEMA = sorted((REPOSITORY / "include" / "sql" / "schema").glob("*.sql"))
TEXTS = {".py", ".sql", ".md", ".yaml", ".yml", ".toml", ".in", ".txt", ".json", ".sh", ".example", ""}
LONGEST_DAG = 130
LONGEST_MODULE = 500
# A reviewer carries it away: it is one file for that reason alone.
IN_ONE_PIECE = {"plugins/data_lifecycle/evidence/lifecycle_verify.py": 1600}
# Written apart, so that this file does not hold what it forbids.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X\\b", "NotImplemented" + "Error")))
MACHINE = re.compile(
    "|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/\\w+/", "/fa" + "rm/", "C:" + "\\\\Users"))
)
KEYWORD = r"\s*(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH|CREATE|ALTER|DROP|TRUNCATE|COPY|GRANT)\b"
STATEMENT = re.compile(KEYWORD)


def relative(path: Path) -> str:
    """The path as a reader of the repository names it."""
    return str(path.relative_to(REPOSITORY))


def ids(paths: list[Path]) -> list[str]:
    """Names of parametrised tests."""
    return [relative(path) for path in paths]


def own_files() -> Iterator[Path]:
    """Every text file git would keep: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        path = REPOSITORY / name
        if name and path.is_file() and path.suffix in TEXTS:
            yield path


def statements(sql: str) -> list[str]:
    """The statements of an SQL text, split at semicolons outside comments, quotes and dollar quotes."""
    token = re.compile(
        r"--[^\n]*|/\*.*?\*/|(?P<text>'(?:[^']|'')*'|\"[^\"]*\"|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<end>;)|(?P<other>.)",
        re.DOTALL,
    )
    found, current = [], ""
    for match in token.finditer(sql):
        if match["end"]:
            found.append(current)
            current = ""
        else:
            current += match["text"] or match["other"] or " "
    return [statement.strip() for statement in [*found, current] if statement.strip()]


def written_sql(path: Path) -> Iterator[tuple[int, str]]:
    """Lines where SQL is put together from text: f-strings, ``%``, ``+`` and ``.format`` on a statement."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            first = node.values[0] if node.values else None
            dynamic = any(isinstance(part, ast.FormattedValue) for part in node.values)
            if dynamic and isinstance(first, ast.Constant) and STATEMENT.match(str(first.value)):
                yield node.lineno, "f-string"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            if isinstance(node.left, ast.Constant) and STATEMENT.match(str(node.left.value)):
                yield node.lineno, "put together with an operator"
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
        ):
            target = node.func.value
            if isinstance(target, ast.Constant) and STATEMENT.match(str(target.value)):
                yield node.lineno, ".format"


def silent_handlers(path: Path) -> list[int]:
    """Lines of exception handlers that do nothing at all, or that catch everything without a type."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or all(
                isinstance(step, ast.Pass)
                or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
                for step in node.body
            )
        )
    ]


def sleeps(path: Path) -> list[int]:
    """Lines that sleep outside a loop: a pause between two looks is polling, any other is a hope."""
    tree = ast.parse(path.read_text("utf-8"))

    def calls(node: ast.AST) -> set[int]:
        return {
            call.lineno
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and ast.unparse(call.func) in {"time.sleep", "sleep"}
        }

    polling = {
        line for loop in ast.walk(tree) if isinstance(loop, ast.While | ast.For) for line in calls(loop)
    }
    return sorted(calls(tree) - polling)


def undocumented(path: Path) -> list[str]:
    """Public functions, classes and methods without a docstring, the module itself included."""
    tree = ast.parse(path.read_text("utf-8"))
    found = [] if ast.get_docstring(tree) else ["the module"]

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if node.name.startswith("_"):
                    continue
                overload = any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
                if not overload and not ast.get_docstring(node):
                    found.append(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return found


@pytest.mark.parametrize("path", DAGS, ids=ids(DAGS))
def test_a_dag_file_is_wiring_with_its_runbook(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_DAG
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert len(docstring.splitlines()) >= 5, "the docstring is the runbook that the UI shows"
    assert "doc_md=__doc__" in text


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=ids([*CODE, *TESTS]))
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    longest = IN_ONE_PIECE.get(relative(path), LONGEST_MODULE)
    assert len(path.read_text("utf-8").splitlines()) <= longest


@pytest.mark.parametrize("path", PACKAGE, ids=ids(PACKAGE))
def test_what_is_public_is_documented(path: Path) -> None:
    assert undocumented(path) == []


@pytest.mark.parametrize("path", CODE, ids=ids(CODE))
def test_sql_is_never_put_together(path: Path) -> None:
    assert list(written_sql(path)) == []


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=ids([*CODE, *TESTS]))
def test_no_error_is_swallowed(path: Path) -> None:
    assert silent_handlers(path) == []


@pytest.mark.parametrize(
    "path", [p for p in SQL if p not in SCHEMA], ids=ids([p for p in SQL if p not in SCHEMA])
)
def test_an_sql_file_holds_one_statement_with_bound_values(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(statements(text)) == 1
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+\.sql", path.name), "verb_noun.sql"
    code = re.sub(r"--[^\n]*", "", text)
    assert not re.search(r"%s\b|\{[A-Za-z_]\w*\}|\{\{", code), "values are bound by name: %(name)s"


def test_migrations_are_numbered_each_once() -> None:
    numbers = [
        int(path.name.split("_")[0]) for path in SCHEMA if re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", path.name)
    ]
    assert len(set(numbers)) == len(SCHEMA)
    assert numbers, "no migration at all"


def test_only_one_file_is_imported_as_a_plugin() -> None:
    ignored = (REPOSITORY / "plugins" / ".airflowignore").read_text("utf-8")
    rules = [line for line in ignored.splitlines() if line and not line.startswith("#")]
    assert rules == ["*", "!lifecycle_plugin.py"]


def test_no_dag_does_work_of_its_own() -> None:
    for path in DAGS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                "task" in ast.unparse(d) for d in node.decorator_list
            ):
                assert len(node.body) <= 6, (
                    f"{relative(path)}:{node.lineno} {node.name}: the work belongs in the package"
                )


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{relative(path)}:{number}"
        for path in own_files()
        if path.suffix in {".py", ".sql", ".md", ".yaml", ".toml"} or path.name == "lifecycle"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_no_file_names_a_machine() -> None:
    found = [
        f"{relative(path)}:{number}"
        for path in own_files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


def test_no_test_sleeps_to_be_in_step() -> None:
    found = {relative(path): sleeps(path) for path in TESTS if sleeps(path)}
    assert found == {}, "poll with a deadline instead"


def test_the_rules_see_what_they_forbid(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    lines = [
        "def f(x):",
        "    try:",
        "        run(f'SELECT {x}')",
        "    except ValueError:",
        "        pass",
        "    time.sleep(1)",
        "    while x: time.sleep(1)",
        "    run('DELETE FROM t WHERE id = %s' % x)",
        "    run('UPDATE {}'.format(x))",
        "    run('SELECT ' + x)",
    ]
    bad.write_text("\n".join(lines), "utf-8")
    assert [line for line, _ in sorted(written_sql(bad))] == [3, 8, 9, 10]
    assert silent_handlers(bad) == [4]
    assert sleeps(bad) == [6]
    assert undocumented(bad) == ["the module", "f"]
    assert len(statements("SELECT ';' -- ;\n; SELECT $$ ; $$; /* ; */")) == 2
    assert UNFINISHED.search("# TO" + "DO")
    assert MACHINE.search("/wo" + "rk/main")


@pytest.mark.parametrize(
    "arguments", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join
)
def test_the_tools_find_nothing(arguments: list[str]) -> None:
    found = subprocess.run(
        [BIN / arguments[0], *arguments[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
