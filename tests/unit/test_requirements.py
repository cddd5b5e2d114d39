"""The requirement files are honest: each import is listed, each line has a reason and a use, each pin is exact."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = {"data_lifecycle", "lifecycle_plugin", "tests", "conftest"}
RUNTIME = ("dags", "plugins", "lifecycle")
# Parts of a listed distribution that it requires in one exact version and documents as its own.
PART_OF = {
    "apache-airflow-core": "apache-airflow",
    "apache-airflow-task-sdk": "apache-airflow",
    "pydantic-core": "pydantic",
    "mypy-boto3-s3": "boto3-stubs",
}


@dataclass(frozen=True)
class Listed:
    """A line of a requirements file with the reason above it."""

    name: str
    requirement: Requirement
    reason: str


def listed(text: str) -> list[Listed]:
    """Every requirement of a .in file; the reason is the `# why:` comment just above it, or empty."""
    found, reason = [], ""
    for line in text.splitlines():
        if line.startswith("# why: "):
            reason = line.removeprefix("# why: ").strip()
        elif line and not line.startswith("#"):
            requirement = Requirement(line)
            found.append(Listed(canonicalize_name(requirement.name), requirement, reason))
            reason = ""
    return found


def locked(text: str) -> dict[str, dict[str, int]]:
    """Name → version → number of hashes of every pin in a compiled lock."""
    pins: dict[str, dict[str, int]] = {}
    version = name = ""
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^ ;]+)", line):
            name, version = canonicalize_name(match[1]), match[2]
            pins.setdefault(name, {})[version] = 0
        elif line.strip().startswith("--hash=sha256:"):
            pins[name][version] += 1
    return pins


def sources(*roots: str) -> Iterator[Path]:
    """The Python files below the given files and folders of the repository."""
    for root in roots:
        path = REPOSITORY / root
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(*roots: str) -> dict[str, set[str]]:
    """Third-party module (dotted, as written) → files that import it, at any depth of the code."""
    found: dict[str, set[str]] = {}
    for path in sources(*roots):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                if name.split(".")[0] not in OWN | set(sys.stdlib_module_names):
                    found.setdefault(name, set()).add(str(path.relative_to(REPOSITORY)))
    return found


def providers(module: str) -> set[str]:
    """The installed distributions that provide a module; for Airflow's providers, the one that owns that provider."""
    parts = module.split(".")
    if parts[:2] == ["airflow", "providers"]:
        for depth in range(len(parts), 2, -1):
            name = "apache-airflow-providers-" + "-".join(parts[2:depth])
            if name in {canonicalize_name(d.name) for d in importlib.metadata.distributions()}:
                return {name}
        return set()
    found = {canonicalize_name(name) for name in DISTRIBUTIONS.get(parts[0], [])}
    if parts[0] == "airflow":  # a namespace that every provider shares
        return {"apache-airflow"} if found & PART_OF.keys() else set()
    return {PART_OF.get(name, name) for name in found}


DISTRIBUTIONS = importlib.metadata.packages_distributions()
MAIN = listed((REPOSITORY / "requirements.in").read_text("utf-8"))
DEV = listed((REPOSITORY / "requirements-dev.in").read_text("utf-8"))
FILES = [("requirements", MAIN), ("requirements-dev", DEV)]


def missing(roots: tuple[str, ...], lines: list[Listed]) -> dict[str, set[str]]:
    """Modules imported below ``roots`` that no line provides."""
    names = {line.name for line in lines}
    return {module: files for module, files in imported(*roots).items() if not providers(module) & names}


def test_what_the_pipelines_import_is_listed() -> None:
    assert missing(RUNTIME, MAIN) == {}


def test_what_the_tests_import_is_listed() -> None:
    assert missing(("tests",), MAIN + DEV) == {}


def test_an_import_nobody_lists_is_found() -> None:
    without = [line for line in MAIN if line.name not in {"pyyaml", "pydantic"}]
    assert {"yaml", "pydantic"} <= {module.split(".")[0] for module in missing(RUNTIME, without)}


@pytest.mark.parametrize("line", MAIN + DEV, ids=lambda line: line.name)
def test_each_line_has_a_reason(line: Listed) -> None:
    assert len(line.reason) > 10, f"{line.name}: no `# why:` above it"


@pytest.mark.parametrize("line", MAIN + DEV, ids=lambda line: line.name)
def test_each_line_is_used(line: Listed) -> None:
    roots = (*RUNTIME, "tests") if line in DEV or line.name == "pytest" else RUNTIME
    used = {name for module in imported(*roots) for name in providers(module)}
    named = line.reason.startswith(("binary:", "provider of", "stubs for")) or "pyproject.toml" in line.reason
    assert line.name in used or named, (
        f"{line.name} is listed but neither imported nor a named binary or provider"
    )


@pytest.mark.parametrize(("name", "lines"), FILES, ids=["main", "dev"])
def test_each_line_is_in_its_lock(name: str, lines: list[Listed]) -> None:
    pins = locked((REPOSITORY / f"{name}.txt").read_text("utf-8"))
    for line in lines:
        assert pins.get(line.name), f"{line.name} is not in {name}.txt: run tools/lock"
        for version in pins[line.name]:
            assert line.requirement.specifier.contains(version, prereleases=True), (
                f"{line.name}: run tools/lock"
            )


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_pin_has_hashes_and_nothing_names_where_it_came_from(name: str) -> None:
    text = (REPOSITORY / f"{name}.txt").read_text("utf-8")
    bare = [
        f"{pin}=={v}"
        for pin, versions in locked(text).items()
        for v, hashes in versions.items()
        if not hashes
    ]
    assert bare == []
    for line in text.splitlines():
        assert re.fullmatch(
            r"#.*|[A-Za-z0-9._\[\]-]+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|    #.*", line
        )
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host|file:| @ ", text)
    assert not re.search(r"(^|\s)/\w", text), "a path of the machine it was compiled on"


def test_the_locks_agree() -> None:
    main = locked((REPOSITORY / "requirements.txt").read_text("utf-8"))
    dev = locked((REPOSITORY / "requirements-dev.txt").read_text("utf-8"))
    assert {name: set(dev[name]) for name in dev if name in main and set(dev[name]) - set(main[name])} == {}


def test_celery_if_ever_locked_is_one_that_works() -> None:
    versions = locked((REPOSITORY / "requirements.txt").read_text("utf-8")).get("celery", {})
    assert all(Version(version) < Version("5.7") for version in versions), (
        "celery 5.7 breaks Airflow's provider"
    )
