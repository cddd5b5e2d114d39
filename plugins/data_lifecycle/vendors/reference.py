"""The reference lists, `include/reference/*.csv`: where data may go, by which law, since when, on which source.

Data, not code: a correction is an edit of a file, and the digest of all files names the version that a verdict was made
with. Days count in UTC; `in_force_to` is the last day. `lists.yaml` says what each list means and how long it may be
relied on without being compared with its sources.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ValidationError, model_validator

from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.loader import PolicyError, Problem, finding_of, parse_yaml
from data_lifecycle.policy.parts import Model, Text
from data_lifecycle.policy.taxonomy import require_category

HEADER = (
    "regime", "code", "scope", "condition", "instrument", "in_force_from", "in_force_to", "status", "source",
    "source_date", "reviewed_by",
)  # fmt: skip
_COUNTRY = re.compile(r"[A-Z]{2}")
_ROUTE = re.compile(r"(general|sensitive)\.[12]")
_FILES = "lists.yaml"


class ReferenceError(PolicyError):  # noqa: A001 — Python's is about weak references and is never meant here
    """Reference lists that must not be used; `problems` name file, line or field, value and fix."""


class ListMeaning(Model):
    """What a list is, and the age of an entry's source date from which the list is stale."""

    meaning: Text
    review: Duration
    owner: Text


class ListFile(Model):
    """`lists.yaml`: exactly the lists that there must be."""

    adequacy: ListMeaning
    dpf: ListMeaning
    eea: ListMeaning
    origins: ListMeaning
    routes: ListMeaning
    sensitive: ListMeaning


class Entry(Model):
    """One line of a list; `condition` is empty for none."""

    regime: Literal["EU", "UK", "CH", "CN"]
    code: Text
    scope: Literal["full", "partial", "org"]
    condition: str
    instrument: Text
    in_force_from: date
    in_force_to: date | None
    status: Literal["in_force", "withdrawn"]
    source: Text
    source_date: date
    reviewed_by: Text

    @model_validator(mode="after")
    def _makes_sense(self) -> Entry:
        if self.in_force_to is not None and self.in_force_to < self.in_force_from:
            raise ValueError("in_force_to must not be before in_force_from")
        if (self.scope == "partial") != bool(self.condition) and self.scope != "full":
            raise ValueError(
                "a partial scope needs the condition that makes a recipient covered, others none"
            )
        return self

    @property
    def since(self) -> datetime:
        """First instant in force, UTC."""
        return datetime.combine(self.in_force_from, time(), UTC)

    @property
    def until(self) -> datetime | None:
        """Instant from which it is no longer in force, UTC; None for no end."""
        if self.in_force_to is None:
            return None
        return datetime.combine(self.in_force_to + timedelta(days=1), time(), UTC)


@dataclass(frozen=True)
class ReferenceList:
    """A list with its entries; stale from an instant on (UTC)."""

    name: str
    meaning: ListMeaning
    entries: tuple[Entry, ...]

    @property
    def oldest_source(self) -> date:
        """The oldest date at which an entry was compared with its source."""
        return min(entry.source_date for entry in self.entries)

    @property
    def stale_from(self) -> datetime:
        """When the review period of its oldest entry is over."""
        return datetime.combine(self.oldest_source, time(), UTC) + self.meaning.review.elapsed


@dataclass(frozen=True)
class Reference:
    """All lists of one version; `sha256` (hex) is over the names and bytes of all files."""

    lists: tuple[ReferenceList, ...]
    sha256: str

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The entries of a list; StopIteration for a list that there is not."""
        return next(found.entries for found in self.lists if found.name == name)


def load_reference(folder: Path) -> Reference:
    """Load every list of `folder`; ReferenceError lists all that is wrong, a missing or unknown list included."""
    problems: list[Problem] = []
    digest = hashlib.sha256()
    meanings = _meanings(folder / _FILES, digest, problems)
    wanted = set(ListFile.model_fields)
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in wanted:
            known = ", ".join(sorted(wanted))
            problems.append(Problem(str(path), "-", path.stem, f"is no list that is used; there are {known}"))
    lists: list[ReferenceList] = []
    for name in sorted(wanted):
        entries = tuple(_entries(folder / f"{name}.csv", name, digest, problems))
        if entries and meanings is not None:
            lists.append(ReferenceList(name, getattr(meanings, name), entries))
    if problems or meanings is None:
        raise ReferenceError(problems)
    return Reference(tuple(lists), digest.hexdigest())


def _meanings(path: Path, digest: hashlib._Hash, problems: list[Problem]) -> ListFile | None:
    try:
        content = path.read_bytes()
        raw, findings = parse_yaml(content.decode("utf-8"))
        _add(digest, path.name, content)
        problems += [Problem(str(path), f.path, f.value, f.fix) for f in findings]
        return ListFile.model_validate(raw)
    except ValidationError as error:
        for found in map(finding_of, error.errors(include_url=False)):
            problems.append(Problem(str(path), found.path, found.value, found.fix))
    except (OSError, ValueError, yaml.YAMLError) as error:
        problems.append(Problem(str(path), "-", type(error).__name__, "give a readable YAML file in UTF-8"))
    return None


def _entries(path: Path, name: str, digest: hashlib._Hash, problems: list[Problem]) -> Iterator[Entry]:
    try:
        content = path.read_bytes()
        lines = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(str(path), "-", type(error).__name__, "give a readable CSV file in UTF-8"))
        return
    _add(digest, path.name, content)
    if not lines or tuple(lines[0]) != HEADER:
        problems.append(
            Problem(str(path), "line 1", ",".join(lines[0] if lines else []), f"write {','.join(HEADER)}")
        )
        return
    if len(lines) == 1:
        problems.append(
            Problem(str(path), "-", "no entry", "an empty list would deny everything silently; fill it")
        )
    seen: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        entry = _entry(path, number, line, name, problems)
        if entry is None:
            continue
        for other in seen:
            same = (other.regime, other.code) == (entry.regime, entry.code)
            if same and _overlap(other, entry):
                fix = "overlaps an earlier line of the same regime and code; end that one first"
                problems.append(Problem(str(path), f"line {number}", f"{entry.regime} {entry.code}", fix))
        seen.append(entry)
        yield entry


def _entry(path: Path, number: int, line: list[str], name: str, problems: list[Problem]) -> Entry | None:
    if len(line) != len(HEADER):
        fix = f"has {len(line)} fields; give {len(HEADER)}"
        problems.append(Problem(str(path), f"line {number}", ",".join(line[:2]), fix))
        return None
    fields: dict[str, object] = dict(zip(HEADER, line, strict=True))
    try:
        for day in ("in_force_from", "in_force_to", "source_date"):
            text = str(fields[day])
            fields[day] = None if day == "in_force_to" and not text else _day(day, text)
        entry = Entry.model_validate(fields)
        _check_code(name, entry)
    except ValidationError as error:
        for found in map(finding_of, error.errors(include_url=False)):
            problems.append(Problem(str(path), f"line {number}, {found.path}", found.value, found.fix))
        return None
    except ValueError as error:
        problems.append(Problem(str(path), f"line {number}", ",".join(line[:2]), str(error)))
        return None
    return entry


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{field} {text!r} is not a day; write it like 2026-01-31") from None


def _check_code(name: str, entry: Entry) -> None:
    if name == "sensitive":
        require_category(entry.code)
    elif name == "routes":
        if not _ROUTE.fullmatch(entry.code) or not entry.condition.isdigit() or int(entry.condition) < 1:
            raise ValueError(
                "a route is general or sensitive, .1 or .2, with the number of people it begins at"
            )
    elif name != "dpf" and entry.scope != "org" and not _COUNTRY.fullmatch(entry.code):
        raise ValueError(f"code {entry.code!r} is no country; write ISO 3166-1 alpha-2")
    if name != "adequacy" and entry.scope == "partial":
        raise ValueError("only adequacy can be partial")


def _overlap(one: Entry, other: Entry) -> bool:
    return (other.until is None or one.since < other.until) and (one.until is None or other.since < one.until)


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    digest.update(f"{name}\0{len(content)}\0".encode())
    digest.update(content)


__all__ = ["HEADER", "Entry", "Reference", "ReferenceError", "ReferenceList", "load_reference"]
