"""The record of processing (GDPR Art. 30(1) a to g) as plain data: what was found beside what is registered.

Everything that leaves the database passes here, and so does the coarsening: fewer people than the policy's small count
are not counted out, nor dated to the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_lifecycle.database import Row
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.taxonomy import lineage
from data_lifecycle.vendors.register import (
    ChineseRoute,
    Clauses,
    Contract,
    Framework,
    Mechanism,
    Register,
    Vendor,
)

Part = dict[str, Any]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """What an inventory found, as the database has it: exact counts. `previous` is the one before."""

    run: Row
    vendors: Sequence[Row]
    lines: Sequence[Row]
    drift: Sequence[Row]
    previous: Row | None
    changes: Sequence[Row]


def build(found: Found, register: Register, policy: Policy) -> Part:
    """The whole record; the same input gives the same record, in the same order."""
    small = policy.vendor_inventory.small_count
    run, as_of = found.run, found.run["as_of"]
    controller = register.controller
    return {
        "title": "Record of processing activities: recipients of personal data",
        "law": "GDPR Art. 30(1)(a) to (g)",
        "run": run["run_id"],
        "as_of": _instant(as_of),
        "policy": {"id": run["policy_id"], "version": run["policy_version"], "sha256": run["policy_sha256"]},
        "register_sha256": register.sha256,
        "small_count": small,
        "a_controller": {
            "name": controller.name,
            "contact": controller.contact,
            "country": controller.country,
            "representative": controller.representative,
            "data_protection_officer": controller.data_protection_officer,
        },
        "recipients": [_recipient(row, found, register, policy, small) for row in found.vendors],
        # What was sent comes before what is only due.
        "drift": [_drift(row, small) for row in sorted(found.drift, key=lambda row: row["disclosures"] == 0)],
        "previous_run": found.previous["run_id"] if found.previous else None,
        "register_changed": bool(found.previous and found.previous["register_sha256"] != register.sha256),
        "changes": [dict(change) for change in found.changes],
    }


def few(count: int, small: int) -> int | str:
    """The count, or "<5" for fewer than five; nobody is nobody."""
    return count if count >= small or count == 0 else f"<{small}"


def _recipient(row: Row, found: Found, register: Register, policy: Policy, small: int) -> Part:
    vendor = register.vendor(row["vendor"])
    lines = [line for line in found.lines if line["vendor"] == row["vendor"]]
    contract = _contract(vendor, found.run["as_of"]) if vendor else None
    observed = [_line(line, contract, register.controller.country, policy, small) for line in lines]
    purposes = {purpose for line in lines for purpose in line["purposes"]}
    categories = {line["data_category"] for line in lines}
    return {
        "id": row["vendor"],
        "registered": row["registered"],
        "name": vendor.name if vendor else row["vendor"],
        "people": _people(row, lines, small),
        "b_purposes": sorted(purposes | set(contract.data_uses if contract else ())),
        "c_data_subjects": list(vendor.subjects) if vendor else [],
        "c_data_categories": sorted(categories | set(contract.data_categories if contract else ())),
        "d_recipient": {
            "kind": vendor.kind if vendor else UNKNOWN,
            "role": vendor.role if vendor else UNKNOWN,
            "clause": vendor.clause if vendor else "",
            "services": list(vendor.services) if vendor else [],
            "sub_processors": [_sub_processor(sub) for sub in contract.sub_processors] if contract else [],
        },
        "e_transfers": _transfers(contract, lines, register.controller.country),
        "f_erasure": _erasure(vendor) if vendor else None,
        "g_security": _security(vendor, found.run["as_of"]) if vendor else [],
        "contract": _terms(contract, found.run["as_of"]) if contract else None,
        "review": (
            {"last": vendor.reviews.last.isoformat(), "due": vendor.reviews.due.isoformat()}
            if vendor
            else None
        ),
        "observed": observed,
        "drift": [_drift(drift, small) for drift in found.drift if drift["vendor"] == row["vendor"]],
    }


def _people(row: Row, lines: Sequence[Row], small: int) -> int | str:
    """A total from which no coarsened line can be reckoned."""
    if any(0 < line["people"] < small for line in lines) and row["people"] >= small:
        return f"at least {max(small, *(line['people'] for line in lines))}"
    return few(row["people"], small)


def _line(line: Row, contract: Contract | None, home: str, policy: Policy, small: int) -> Part:
    exact = line["people"] >= small
    return {
        "data_category": line["data_category"],
        "country": line["country"],
        "purposes": sorted(line["purposes"]),
        "people": few(line["people"], small),
        "objects": few(line["objects"], small),
        "disclosures": few(line["disclosures"], small),
        "first": _span(line["first_at"], exact),
        "last": _span(line["last_at"], exact),
        "safeguards": _safeguards(contract, line["country"], home),
        "studio_limit": _limit(policy, line["data_category"]),
    }


def _drift(row: Row, small: int) -> Part:
    exact = row["people"] >= small or row["disclosures"] == 0
    return {
        "kind": row["kind"],
        "means": row["means"],
        "clause": row["clause"],
        "vendor": row["vendor"],
        "subject": row["subject"],
        "contract": row["contract"],
        "forbidden": row["forbidden"],
        "people": few(row["people"], small),
        "disclosures": few(row["disclosures"], small),
        "since": _span(row["since"], exact),
        "last": _span(row["last_at"], exact) if row["last_at"] else None,
    }


def _contract(vendor: Vendor, at: datetime) -> Contract:
    """The contract of a moment, or the one nearest before it, or the first."""
    begun = [contract for contract in vendor.contracts if contract.valid.since <= at]
    if begun:
        return max(begun, key=lambda contract: contract.valid.since)
    return min(vendor.contracts, key=lambda contract: contract.valid.since)


def _terms(contract: Contract, at: datetime) -> Part:
    valid = contract.valid
    state = "in force" if valid.holds(at) else ("not begun" if at < valid.since else "ended")
    return {
        "id": contract.id,
        "since": _day(valid.since),
        "until": _day(valid.until),
        "state": state,
        "data_categories": list(contract.data_categories),
        "purposes": list(contract.data_uses),
        "storage_countries": list(contract.storage_countries),
        "access_countries": list(contract.access_countries),
    }


def _sub_processor(sub: Any) -> Part:
    return {
        "name": sub.name,
        "service": sub.service,
        "countries": list(sub.countries),
        "declared": _day(sub.declared.since),
        "until": _day(sub.declared.until),
    }


def _transfers(contract: Contract | None, lines: Sequence[Row], home: str) -> list[Part]:
    """Each country outside the controller's, declared or observed, with the safeguards on file."""
    declared = [*contract.storage_countries, *contract.access_countries] if contract else []
    observed = {line["country"] for line in lines}
    return [
        {
            "country": country,
            "declared": country in declared,
            "observed": country in observed,
            "safeguards": _safeguards(contract, country, home),
        }
        for country in sorted({*declared, *observed})
        if country != home
    ]


def _safeguards(contract: Contract | None, country: str, home: str) -> list[str]:
    if country == home:
        return ["within the controller's country"]
    mechanisms = contract.mechanisms if contract else ()
    return [_words(m) for m in mechanisms if country in m.countries] or ["none on file"]


def _words(mechanism: Mechanism) -> str:
    laws = f"for {', '.join(mechanism.regimes)}"
    match mechanism:
        case Clauses():
            signed = f"signed {_day(mechanism.signed_at)}" if mechanism.signed_at else "NOT SIGNED"
            parts = [mechanism.mechanism, mechanism.module, laws, signed]
        case Framework():
            parts = ["dpf", laws, f"listed as {mechanism.listing}"]
        case ChineseRoute():
            since = f"since {_day(mechanism.in_force.since)}" if mechanism.in_force else "NOT IN FORCE"
            parts = ["pipl", mechanism.route.replace("_", " "), laws, since]
        case _:
            parts = ["adequacy", laws, f"covered as {mechanism.covered_as}" if mechanism.covered_as else ""]
    assessment = getattr(mechanism, "impact_assessment", None)
    if assessment is not None:
        until = _day(assessment.until)
        parts.append(f"assessment {assessment.document}: {assessment.outcome} until {until}")
    return ", ".join(filter(None, parts))


def _erasure(vendor: Vendor) -> Part:
    return {
        "retention": str(vendor.retention),
        "connector": vendor.erasure.connector,
        "mode": vendor.erasure.mode,
        "confirms": vendor.erasure.confirms,
        "max_residual": vendor.erasure.max_residual,
        "note": vendor.erasure.note,
    }


def _security(vendor: Vendor, at: datetime) -> list[Part]:
    """Of each measure the evidence that holds longest, of what holds now."""
    current = sorted(
        (e for e in vendor.security if e.valid.holds(at)), key=lambda e: (e.measure, _day(e.valid.until))
    )
    return [
        {
            "measure": e.measure,
            "evidence": e.evidence,
            "dated": _day(e.valid.since),
            "until": _day(e.valid.until),
        }
        for e in {e.measure: e for e in current}.values()
    ]


def _limit(policy: Policy, category: str) -> str:
    """The studio's own time limit for a category, by its most specific rule."""
    for key in lineage(category):
        for rule in policy.retention:
            if key in rule.data_categories:
                source = f"clause {rule.clause.section}" if rule.clause else "studio decision"
                return f"{rule.period} after {rule.trigger.event} ({rule.boundary.meaning}; {source})"
    return "no rule: a gap"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "open end"


def _span(moment: datetime, exact: bool) -> str:
    return f"{moment:%Y-%m-%d}" if exact else f"{moment:%Y-%m}"
