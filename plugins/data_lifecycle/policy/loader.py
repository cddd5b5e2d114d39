"""Loading policy files: everything that is wrong with them is found and reported together, never one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from data_lifecycle.policy.checks import Finding, check_policy, check_raw
from data_lifecycle.policy.clock import require_aware
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.versions import shorter

REGISTER = "vendors.yaml"
"""The register of vendors lies beside the versions of the policy and is none of them."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a policy file: file, dotted path in it, the offending value, what to do about it."""

    file: str
    path: str
    value: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file}: {self.path}: {self.value}: {self.fix}"


class PolicyError(Exception):
    """A policy file, or a set of versions, that must not be used; `problems` lists all that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load_policy(path: Path) -> Policy:
    """Load one version and check it against its text, fideslang and its own arithmetic; PolicyError otherwise."""
    try:
        content = path.read_bytes()
        content.decode("utf-8")
        texts = tuple(text.read_bytes() for text in sorted(path.parent.glob("*.txt")))
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(
            [Problem(str(path), "-", type(error).__name__, "give a readable file in UTF-8")]
        ) from error
    return _checked(path, content, texts)


@lru_cache(maxsize=32)
def _checked(path: Path, content: bytes, texts: tuple[bytes, ...]) -> Policy:  # noqa: ARG001 — what was checked with it
    """The version in ``content``. Every step asks for it; the same bytes beside the same texts are checked once."""
    text = content.decode("utf-8")
    try:
        raw, findings = parse_yaml(text)
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # a date such as 2024-13-01 is a bare ValueError
        raise PolicyError(
            [Problem(str(path), "-", " ".join(str(error).split()), "write valid YAML")]
        ) from error
    if not isinstance(raw, dict):
        raise PolicyError(
            [Problem(str(path), "-", type(raw).__name__, "start with a mapping, see the schema")]
        )
    policy = None
    try:
        policy = Policy.model_validate(raw, context={"sha256": hashlib.sha256(content).hexdigest()})
    except ValidationError as error:
        findings += [finding_of(problem) for problem in error.errors(include_url=False)]
    findings += check_raw(raw, path)
    if policy is not None:
        findings += check_policy(policy, path)
    if findings or policy is None:
        raise PolicyError(_problems(path, findings))
    return policy


def load_all(directory: Path) -> tuple[Policy, ...]:
    """Load every version in a directory (`*.yaml` but the register of vendors), oldest first.

    A version has no end of its own: it holds until the next one begins, so versions cannot overlap unless two begin
    on the same day, which is refused, as are two with the same name, two different policies, and an empty directory.
    """
    paths = sorted(path for path in directory.glob("*.yaml") if path.name != REGISTER)
    if not paths:
        raise PolicyError(
            [Problem(str(directory), "-", "no *.yaml", "keep every version of the policy here")]
        )
    problems: list[Problem] = []
    versions: list[tuple[Policy, Path]] = []
    for path in paths:
        try:
            versions.append((load_policy(path), path))
        except PolicyError as error:
            problems += error.problems
    versions.sort(key=lambda item: item[0].in_force_from)
    problems += _clashes(versions)
    if problems:
        raise PolicyError(problems)
    return tuple(policy for policy, _ in versions)


def load_proposal(directory: Path, path: Path) -> tuple[tuple[Policy, ...], Policy]:
    """The versions there are, oldest first, and a proposed one, which must be fit to be the next of them.

    A file that lies among them already counts as proposed. PolicyError for what ``load_all`` would refuse, and for a
    version that would not be the latest.
    """
    proposed = load_policy(path)
    there = tuple(policy for policy in load_all(directory) if policy.sha256 != proposed.sha256)
    if not there or there[-1].in_force_from >= proposed.in_force_from:
        latest = (
            f"{there[-1].version} takes effect on {there[-1].header.effective_from}"
            if there
            else "none is there"
        )
        fix = f"{latest}: a new version follows one, on a later day"
        raise PolicyError(
            [Problem(str(path), "policy.effective_from", str(proposed.header.effective_from), fix)]
        )
    known = [(policy, directory / f"{policy.id}-{policy.version}.yaml") for policy in there]
    problems = _clashes([*known, (proposed, path)])
    if problems:
        raise PolicyError(problems)
    return there, proposed


def policy_in_force(policies: Iterable[Policy], at: datetime) -> Policy:
    """The version that holds at an instant; LookupError before the first version, ValueError for a naive instant."""
    moment = require_aware(at, "at")
    begun = [policy for policy in policies if policy.in_force_from <= moment]
    if not begun:
        raise LookupError(f"no version of the policy is in force at {moment.isoformat()}")
    return max(begun, key=lambda policy: policy.in_force_from)


def _clashes(versions: list[tuple[Policy, Path]]) -> list[Problem]:
    problems: list[Problem] = []
    days: dict[object, Path] = {}
    names: dict[str, Path] = {}
    for policy, path in versions:
        first = versions[0][0].id
        if policy.id != first:
            fix = f"keep one policy in a directory; {versions[0][1].name} is of {first}"
            problems.append(Problem(str(path), "policy.id", policy.id, fix))
        day = policy.header.effective_from
        if day in days:
            fix = f"{days[day].name} takes effect on the same day; give each version its own"
            problems.append(Problem(str(path), "policy.effective_from", str(day), fix))
        if policy.version in names:
            fix = f"{names[policy.version].name} has the same version; give each its own"
            problems.append(Problem(str(path), "policy.version", policy.version, fix))
        days.setdefault(day, path)
        names.setdefault(policy.version, path)
    for number, (policy, path) in enumerate(versions):
        before = [earlier for earlier, _ in versions[:number]]
        problems += _hasty(policy, path, before)
        problems += _other_floors(policy, path, before)
    return problems


def _hasty(policy: Policy, path: Path, earlier: Iterable[Policy]) -> Iterable[Problem]:
    """A version that has anything erased sooner than an earlier one, and does not say how long that may cool off."""
    if policy.cooling_off is not None:
        return
    for before in earlier:
        said = {rule.id: rule for rule in before.retention}
        sooner = [r.id for r in policy.retention if r.id in said and shorter(r, said[r.id])]
        if policy.inactivity < before.inactivity:
            sooner.append(policy.abandonment.id)
        if sooner:
            fix = (
                f"{', '.join(sooner)}: erased sooner than in {before.version}; add cooling_off: {{basis: "
                "studio-decision, owner: …, period: P3D, waived_by: null}"
            )
            yield Problem(str(path), "cooling_off", "(missing)", fix)
            return


def _other_floors(policy: Policy, path: Path, earlier: Iterable[Policy]) -> Iterable[Problem]:
    """Another period for what is archived: the archive keeps every record by the newest version there is."""
    for before in earlier:
        said = {rule.id: rule.period for rule in before.retention if "archive" in rule.action}
        for number, rule in enumerate(policy.retention):
            if said.get(rule.id, rule.period) != rule.period:
                fix = (
                    f"{before.version} promised {said[rule.id]}; keep that: records archived under one period cannot "
                    "be judged by another yet"
                )
                yield Problem(str(path), f"retention.{number}.duration", str(rule.period), fix)
                return


def _problems(path: Path, findings: Iterable[Finding]) -> list[Problem]:
    return [
        Problem(str(path), finding.path, finding.value, finding.fix) for finding in dict.fromkeys(findings)
    ]


def parse_yaml(text: str) -> tuple[Any, list[Finding]]:
    """Parse YAML with sequences as tuples; a key that stands twice is found instead of silently winning."""
    loader = _loader(text)
    try:
        node = loader.get_single_node()
        findings = list(_repeated(node, ""))
        return _freeze(None if node is None else loader.construct_document(node)), findings
    finally:
        loader.dispose()


def _loader(text: str) -> yaml.SafeLoader | yaml.CSafeLoader:
    """The parser in C, in a tenth of the time: every step loads the policy. It dies of nesting so deep that Python's
    raises RecursionError, so that a text with many opening marks is left to Python's, as where there is none in C.
    """
    shallow = sum(map(text.count, "[{-?")) < 5_000 and len(text) < 500_000
    return yaml.CSafeLoader(text) if shallow and yaml.__with_libyaml__ else yaml.SafeLoader(text)


def _repeated(node: yaml.Node | None, path: str) -> Iterable[Finding]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            here = f"{path}.{name}" if path else name
            line = key.start_mark.line + 1
            if name in seen:
                yield Finding(
                    here, f"line {line}", f"key repeated, first on line {seen[name]}; remove one of them"
                )
            seen.setdefault(name, line)
            yield from _repeated(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _repeated(value, f"{path}.{index}")


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _freeze(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    return value


def finding_of(problem: Any) -> Finding:
    """What pydantic found wrong, as a finding: where, what stands there, what to do."""
    path = ".".join(str(part) for part in problem["loc"] if part not in ("latest", "earliest")) or "-"
    kind = problem["type"]
    if kind == "missing":
        return Finding(path, "(missing)", f"add {path.rsplit('.', 1)[-1]}")
    given = problem["input"]
    if isinstance(given, dict):  # a whole part is at fault: its id says which
        value = repr(given.get("id", "(mapping)"))
    elif isinstance(given, tuple):
        value = f"({len(given)} items)"
    else:
        value = repr(given)
    if kind == "extra_forbidden":
        return Finding(path, value, "unknown key; remove it or correct its name")
    return Finding(path, value, problem["msg"].removeprefix("Value error, "))
