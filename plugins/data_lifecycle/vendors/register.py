"""The register of vendors, `include/policy/vendors.yaml`: strict, frozen, checked against the policy and fideslang.

It tells what is the case, flaws included: clauses that nobody signed are written down as unsigned. Whether a disclosure
was allowed is not decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from data_lifecycle.policy.checks import Finding
from data_lifecycle.policy.clock import require_aware
from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.loader import PolicyError, Problem, finding_of, parse_yaml
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.parts import DataCategory, DataUse, Model, Text
from data_lifecycle.policy.taxonomy import lineage

Kind = Literal["payment", "email", "cloud", "ai"]
Regime = Literal["EU", "UK", "CH", "CN"]
VendorId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Countries = Annotated[tuple[Country, ...], Field(min_length=1)]
LONGEST_EVIDENCE = timedelta(days=3 * 366)
"""No certificate or report is believed for longer, whatever it says."""


@cache
def _subjects() -> frozenset[str]:
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY  # a third of a second to import

    return frozenset(item.fides_key for item in DEFAULT_TAXONOMY.data_subject)


def _subject(key: str) -> str:
    if key not in _subjects():
        raise ValueError(f"unknown data subject; use a fideslang key ({', '.join(sorted(_subjects()))})")
    return key


def _instant(value: datetime) -> datetime:
    return require_aware(value, "instant")


Instant = Annotated[datetime, AfterValidator(_instant)]
Subject = Annotated[str, AfterValidator(_subject)]


class RegisterError(PolicyError):
    """A register that must not be used; `problems` name file, field, value and fix."""


class Period(Model):
    """From an instant (included) until another (not included); no end if `until` is absent."""

    since: Instant
    until: Instant | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Period:
        if self.until is not None and self.until <= self.since:
            raise ValueError("until must be later than since")
        return self

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies in it."""
        return self.since <= at and (self.until is None or at < self.until)


class Assessment(Model):
    """An impact assessment of a transfer: when it was made, until when it may be relied on, how it came out."""

    assessed_at: Instant
    until: Instant
    outcome: Literal["positive", "negative"]
    document: Text


class Adequacy(Model):
    """Relies on an adequacy decision; `covered_as` is what makes the vendor covered by a partial one."""

    mechanism: Literal["adequacy"]
    regimes: Annotated[tuple[Regime, ...], Field(min_length=1)]
    countries: Countries
    covered_as: Text | None = None


class Clauses(Model):
    """Standard contractual clauses, or the UK's agreement; `signed_at` is absent while a signature is missing."""

    mechanism: Literal["scc", "idta"]
    regimes: Annotated[tuple[Literal["EU", "UK", "CH"], ...], Field(min_length=1)]
    countries: Countries
    module: Literal["c2c", "c2p", "p2p", "p2c"]
    signed_at: Instant | None = None
    impact_assessment: Assessment | None = None


class Framework(Model):
    """Relies on the Data Privacy Framework, under this name on its list."""

    mechanism: Literal["dpf"]
    regimes: Annotated[tuple[Literal["EU", "UK", "CH"], ...], Field(min_length=1)]
    countries: Annotated[tuple[Literal["US"], ...], Field(min_length=1)]
    listing: Text


class ChineseRoute(Model):
    """PIPL 38 and 39: the route, when the notice began to name this recipient, the impact assessment."""

    mechanism: Literal["pipl"]
    countries: Countries
    route: Literal["exempt", "standard_contract", "certification", "security_assessment"]
    in_force: Period | None = None
    notice_from: Instant | None = None
    impact_assessment: Assessment | None = None

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """China's only."""
        return ("CN",)


Mechanism = Annotated[Adequacy | Clauses | Framework | ChineseRoute, Field(discriminator="mechanism")]


class SubProcessor(Model):
    """To whom the vendor may pass data on, since when, where."""

    name: VendorId
    service: Text
    countries: Countries
    declared: Period
    dpf_listing: Text | None = None


class Contract(Model):
    """What may be sent, what for, where to, while it is valid. Categories are exact: no parent opens a child."""

    id: Text
    valid: Period
    data_categories: Annotated[tuple[DataCategory, ...], Field(min_length=1)]
    data_uses: Annotated[tuple[DataUse, ...], Field(min_length=1)]
    storage_countries: Countries
    access_countries: tuple[Country, ...] = ()
    sub_processors: tuple[SubProcessor, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()


class SecurityEvidence(Model):
    """A document that shows a measure to be in place, and how long it may be believed."""

    measure: Literal["tls", "encryption", "access"]
    evidence: Text
    valid: Period

    @model_validator(mode="after")
    def _does_not_last(self) -> SecurityEvidence:
        if self.valid.until is None or self.valid.until - self.valid.since > LONGEST_EVIDENCE:
            raise ValueError("evidence needs an end, at most three years after its date")
        return self


class Erasure(Model):
    """How erasure is asked for, the most that the answer proves, and how long something may remain afterwards."""

    connector: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    mode: Literal["sync", "async", "ttl_only", "manual"]
    confirms: Literal["none", "accepted", "completed", "verified"]
    max_residual: Annotated[str, Field(pattern=r"^P(\d+D)?(T\d+H)?$")]
    note: Text

    @property
    def residual(self) -> timedelta:
        """The residual as elapsed time; "P0D" is none."""
        return timedelta(0) if self.max_residual == "P0D" else Duration.parse(self.max_residual).elapsed


class Reviews(Model):
    """When the vendor was last reviewed, and how often it has to be."""

    last: date
    every: Duration

    @property
    def due(self) -> date:
        """Day on which the next review is due."""
        return self.last + self.every.elapsed


class Vendor(Model):
    """One vendor of a kind that policy 4.3 names."""

    id: VendorId
    name: Text
    kind: Kind
    role: Literal["processor", "controller"]
    clause: Annotated[str, Field(pattern=r"^4\.[123]$")]
    services: Annotated[tuple[Text, ...], Field(min_length=1)]
    subjects: Annotated[tuple[Subject, ...], Field(min_length=1)]
    retention: Duration
    contracts: Annotated[tuple[Contract, ...], Field(min_length=1)]
    security: tuple[SecurityEvidence, ...] = ()
    erasure: Erasure
    reviews: Reviews

    def contract(self, at: datetime) -> Contract | None:
        """The contract valid at an instant; contracts of a vendor never overlap."""
        return next((contract for contract in self.contracts if contract.valid.holds(at)), None)


class Controller(Model):
    """Who is responsible (GDPR 30(1)(a)): the studio, and whom to write to."""

    name: Text
    contact: Text
    country: Country
    data_protection_officer: Text
    representative: Text


class RegisterFile(Model):
    """The file: who is responsible, and all vendors."""

    controller: Controller
    vendors: Annotated[tuple[Vendor, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Register:
    """A register that may be used; `sha256` (hex) is that of its file."""

    controller: Controller
    vendors: tuple[Vendor, ...]
    sha256: str

    def vendor(self, vendor_id: str) -> Vendor | None:
        """The vendor of this id, None if there is none."""
        return next((vendor for vendor in self.vendors if vendor.id == vendor_id), None)


def load_register(path: Path, policy: Policy) -> Register:
    """Load the register and check it against the policy's kinds of vendors; RegisterError lists all that is wrong."""
    try:
        content = path.read_bytes()
        raw, findings = parse_yaml(content.decode("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split()) if isinstance(error, yaml.YAMLError) else type(error).__name__
        raise RegisterError(
            [Problem(str(path), "-", reason, "give a readable YAML file in UTF-8")]
        ) from error
    found: RegisterFile | None = None
    try:
        found = RegisterFile.model_validate(raw)
    except ValidationError as error:
        findings += [finding_of(problem) for problem in error.errors(include_url=False)]
    if found is not None:
        findings += _inconsistent(found, policy)
    if findings or found is None:
        raise RegisterError(Problem(str(path), f.path, f.value, f.fix) for f in dict.fromkeys(findings))
    return Register(found.controller, found.vendors, hashlib.sha256(content).hexdigest())


def _inconsistent(register: RegisterFile, policy: Policy) -> Iterator[Finding]:
    ids = [vendor.id for vendor in register.vendors]
    kinds = {kind.kind: kind for kind in policy.sharing.vendor_kinds}
    refused = set(policy.purpose_limit.refused_uses)
    for index, vendor in enumerate(register.vendors):
        where = f"vendors.{index}"
        if ids.index(vendor.id) != index:
            yield Finding(f"{where}.id", vendor.id, "is listed twice; keep one entry with all its contracts")
        ordered = sorted(vendor.contracts, key=lambda contract: contract.valid.since)
        for before, after in pairwise(ordered):
            if before.valid.until is None or before.valid.until > after.valid.since:
                fix = f"overlaps {before.id}; end that one first: at every moment one contract counts"
                yield Finding(f"{where}.contracts", f"{vendor.id}/{after.id}", fix)
        kind = kinds.get(vendor.kind)
        for place, contract in enumerate(vendor.contracts):
            at = f"{where}.contracts.{place}"
            allowed = (kind.data_categories, kind.data_uses) if kind else ((), ())
            clause = kind.clause.section if kind and kind.clause else "4.3"
            yield from _outside(
                f"{at}.data_categories", contract.data_categories, allowed[0], vendor.kind, clause
            )
            yield from _outside(f"{at}.data_uses", contract.data_uses, allowed[1], vendor.kind, clause)
            for use in contract.data_uses:
                if refused & set(lineage(use)):
                    fix = f"policy {clause} never allows it; take it out of the contract"
                    yield Finding(f"{at}.data_uses", use, fix)
            names = [sub.name for sub in contract.sub_processors]
            if len(names) != len(set(names)):
                yield Finding(f"{at}.sub_processors", vendor.id, "a name stands twice; name each once")


def _outside(
    path: str, found: Iterable[str], allowed: Iterable[str], kind: str, clause: str
) -> Iterator[Finding]:
    for key in found:
        if key not in set(allowed):
            fix = f"policy {clause} does not give it to vendors of kind {kind}; remove it"
            yield Finding(path, key, fix)
