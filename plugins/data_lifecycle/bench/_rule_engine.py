"""The peer of the transfer check: rules as Python code, disclosure by disclosure, everything it needs in dictionaries.

Written as such engines are, and no slower than need be: register, lists and consents are loaded once, rows are
streamed. It knows what the measured studio needs: adequacy, clauses, the Chinese route, consents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data_lifecycle.transfer_check.yardstick import Yardstick
from data_lifecycle.vendors.reference import Entry
from data_lifecycle.vendors.register import (
    Adequacy,
    ChineseRoute,
    Clauses,
    Contract,
    Framework,
    SubProcessor,
    Vendor,
)

Row = Mapping[str, Any]
_SECURE = frozenset({"TLSv1.2", "TLSv1.3"})
_LEVELS = {"exempt": 0, "standard_contract": 1, "certification": 1, "security_assessment": 2}


@dataclass
class Engine:
    """All rules over one yardstick. `consents` are rows of studio.consents, `volume` what `yardstick.steps` found."""

    rule: Yardstick
    consents: Sequence[Row]
    volume: Mapping[str, Any]
    _lists: dict[tuple[str, str, str], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    _given: dict[tuple[Any, ...], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for found in self.rule.reference.lists:
            for entry in found.entries:
                self._lists[found.name, entry.regime, entry.code].append(entry)
        for row in self.consents:
            key = (row["pii_principal_id"], row["recipient_third_party"], row["pii_type"], row["purpose"])
            self._given[key].append(row)
        self._vendors = {vendor.id: vendor for vendor in self.rule.register.vendors}
        begins = {policy.version: policy.in_force_from for policy in self.rule.policies}
        ends = sorted(begins.values())
        self._notices = {
            version: (since, next((end for end in ends if end > since), None))
            for version, since in begins.items()
        }

    def judge(self, rows: Iterator[Row]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(disclosure, rules broken) of each row."""
        for row in rows:
            yield row["disclosure_id"], tuple(sorted(self._broken(row)))

    def _broken(self, row: Row) -> set[str]:
        at: datetime = row["sent_at"]
        vendor = self._vendors.get(row["vendor"])
        contract = vendor.contract(at) if vendor else None
        broken = {"T10"} if row["is_minor"] else set()
        if contract is None:
            broken |= {"T02", "T03"}
        elif row["data_category"] not in contract.data_categories or row["purpose"] not in contract.data_uses:
            broken.add("T03")
        origin, destination = row["origin_country"], row["destination_country"]
        access, subs = row["access_countries"], row["sub_processors"]
        known = not (origin is None or destination is None or access is None or subs is None)
        declared = [
            s
            for s in (contract.sub_processors if contract else ())
            if s.declared.holds(at) and s.name in (subs or ())
        ]
        undeclared = set(subs or ()) - {s.name for s in declared}
        regime = next(
            (r for r in ("EU", "UK", "CH", "CN") if origin and self._entry("origins", r, origin, at)), None
        )
        abroad = self._abroad(origin, destination, access, declared, at)
        if known and not undeclared and not abroad:
            return broken
        broken |= self._beyond(row, vendor, contract, regime, known, abroad)
        outside = {*(access or ()), destination} - {None}
        if (
            contract is None
            or undeclared
            or destination not in (*contract.storage_countries, None)
            or outside - {*contract.storage_countries, *contract.access_countries}
        ):
            broken.add("T11")
        return broken

    def _abroad(
        self,
        origin: str | None,
        destination: str | None,
        access: Sequence[str] | None,
        declared: Sequence[SubProcessor],
        at: datetime,
    ) -> list[tuple[str, str | None]]:
        reached: list[tuple[str, str | None]] = [(c, "") for c in (*(access or ()), destination) if c]
        reached += [(country, s.dpf_listing) for s in declared for country in s.countries]
        inside = origin is not None and self._entry("eea", "EU", origin, at) is not None
        return [
            (country, listing)
            for country, listing in reached
            if country != origin and not (inside and self._entry("eea", "EU", country, at))
        ]

    def _beyond(
        self,
        row: Row,
        vendor: Vendor | None,
        contract: Contract | None,
        regime: str | None,
        known: bool,
        abroad: Sequence[tuple[str, str | None]],
    ) -> set[str]:
        at = row["sent_at"]
        broken = set() if known else {"T01"}
        if regime is None:
            broken.add("T04")
        for country, listing in abroad:
            if regime in ("CN", None):
                broken |= self._chinese(contract, country, row, at)
            else:
                broken |= self._european(vendor, contract, regime, country, listing, at)
        explicit, separate = self._consented(row, at)
        if not explicit:
            broken.add("T09")
        if regime in ("CN", None) and not separate:
            broken.add("T07")
        shown = {e.measure for e in (vendor.security if vendor else ()) if e.valid.holds(at)}
        if row["transport"] not in _SECURE or len(shown) < 3:
            broken.add("T08")
        return broken

    def _entry(self, name: str, regime: str, code: str, at: datetime) -> Entry | None:
        for entry in self._lists.get((name, regime, code), ()):
            if entry.status == "in_force" and entry.since <= at and (entry.until is None or at < entry.until):
                return entry
        return None

    def _european(
        self,
        vendor: Vendor | None,
        contract: Contract | None,
        regime: str,
        country: str,
        listing: str | None,
        at: datetime,
    ) -> set[str]:
        mechanisms = [m for m in (contract.mechanisms if contract else ()) if regime in m.regimes]
        decision = self._entry("adequacy", regime, country, at)
        if decision is not None:
            if listing == "":
                listing = next((m.listing for m in mechanisms if isinstance(m, Framework)), None)
            on_list = decision.condition == "dpf" and listing and self._entry("dpf", regime, listing, at)
            covered = any(
                isinstance(m, Adequacy) and m.covered_as == decision.condition and country in m.countries
                for m in mechanisms
            )
            if decision.scope == "full" or on_list or covered:
                return set()
        clauses = [m for m in mechanisms if isinstance(m, Clauses) and country in m.countries]
        wanted = "c2p" if vendor and vendor.role == "processor" else "c2c"
        for m in clauses:
            a = m.impact_assessment
            assessed = a is not None and a.outcome == "positive" and a.assessed_at <= at < a.until
            if (
                m.signed_at
                and m.signed_at <= at
                and assessed
                and (m.mechanism == "idta" or m.module == wanted)
            ):
                return set()
        found = {"T06"} if clauses else set()
        if decision is not None:
            found.add("T05")
        return found or {"T04"}

    def _chinese(self, contract: Contract | None, country: str, row: Row, at: datetime) -> set[str]:
        routes = [
            m
            for m in (contract.mechanisms if contract else ())
            if isinstance(m, ChineseRoute) and country in m.countries
        ]
        level = self._level(row["data_category"], at)
        for m in routes:
            a = m.impact_assessment
            assessed = a is not None and a.outcome == "positive" and a.assessed_at <= at < a.until
            routed = level == 0 or (m.in_force and m.in_force.holds(at) and _LEVELS[m.route] >= level)
            if assessed and m.notice_from and m.notice_from <= at and routed:
                return set()
        return {"T07"} if routes else {"T04", "T07"}

    def _level(self, category: str, at: datetime) -> int:
        name = "sensitive" if ("sensitive", "CN", category) in self._lists else "general"
        level: int = self.volume[f"{name}_levels"][0]
        for moment, then in zip(
            self.volume[f"{name}_breaks"], self.volume[f"{name}_levels"][1:], strict=True
        ):
            if moment <= at:
                level = then
        return level

    def _consented(self, row: Row, at: datetime) -> tuple[bool, bool]:
        key = (row["customer_id"], row["vendor"], row["data_category"], row["purpose"])
        explicit = separate = False
        for c in self._given.get(key, ()):
            since, until = self._notices.get(c["privacy_notice_version"], (None, None))
            stood = c["given_at"] <= at and (c["withdrawn_at"] is None or at < c["withdrawn_at"])
            noticed = since is not None and since <= at and (until is None or at < until)
            if stood and noticed and not c["bundled"] and c["consent_type"] != "implied_consent":
                explicit = True
                separate = separate or c["consent_type"] == "separate_consent"
        return explicit, separate
