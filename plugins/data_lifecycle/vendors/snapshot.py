"""Keeps versions of register and reference lists in the database: a verdict names those it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data_lifecycle.database import Connection, array, copy_rows, execute, fetch_one
from data_lifecycle.protocol.house import PromiseBroken, log
from data_lifecycle.vendors.reference import Reference
from data_lifecycle.vendors.register import (
    ChineseRoute,
    Clauses,
    Contract,
    Framework,
    Mechanism,
    Register,
    Vendor,
)

Rows = Iterator[Sequence[object]]


def keep(connection: Connection, register: Register, reference: Reference) -> None:
    """Keep both versions, once each; the caller commits. PromiseBroken when a version in the database is not whole."""
    entries = sum(len(found.entries) for found in reference.lists)
    if execute(connection, "vendors/insert_reference_version", sha256=reference.sha256, entries=entries):
        copy_rows(connection, "vendors/copy_reference_lists", _lists(reference))
        copy_rows(connection, "vendors/copy_reference_entries", _entries(reference))
        log.info("reference lists: a new version of %d entries", entries)
    if execute(
        connection, "vendors/insert_register_version", sha256=register.sha256, vendors=len(register.vendors)
    ):
        copy_rows(connection, "vendors/copy_vendors", _vendors(register))
        copy_rows(connection, "vendors/copy_contracts", _contracts(register))
        copy_rows(connection, "vendors/copy_sub_processors", _sub_processors(register))
        copy_rows(connection, "vendors/copy_mechanisms", _mechanisms(register))
        copy_rows(connection, "vendors/copy_security", _security(register))
        log.info("register: a new version of %d vendors", len(register.vendors))
    whole = fetch_one(
        connection, "vendors/count_loaded", reference=reference.sha256, register=register.sha256
    )
    if not (whole["reference_whole"] and whole["register_whole"]):
        raise PromiseBroken(
            "register or reference lists are not whole in the database: something was taken away or added; "
            "find out what before anything is judged with them"
        )


def _lists(reference: Reference) -> Rows:
    for found in reference.lists:
        yield reference.sha256, found.name, found.oldest_source, found.stale_from


def _entries(reference: Reference) -> Rows:
    for found in reference.lists:
        for e in found.entries:
            yield (
                reference.sha256, found.name, e.regime, e.code, e.scope, e.condition, e.instrument, e.since, e.until,
                e.status, e.source, e.source_date, e.reviewed_by,
            )  # fmt: skip


def _vendors(register: Register) -> Rows:
    for v in register.vendors:
        yield (
            register.sha256, v.id, v.name, v.kind, v.role, v.clause, array(v.services), array(v.subjects),
            v.retention, v.erasure.connector, v.erasure.mode, v.erasure.confirms, v.erasure.residual,
            v.reviews.last, v.reviews.due,
        )  # fmt: skip


def _each_contract(register: Register) -> Iterator[tuple[Vendor, Contract]]:
    for vendor in register.vendors:
        for contract in vendor.contracts:
            yield vendor, contract


def _contracts(register: Register) -> Rows:
    for v, c in _each_contract(register):
        yield (
            register.sha256, v.id, c.id, c.valid.since, c.valid.until, array(c.data_categories), array(c.data_uses),
            array(c.storage_countries), array(c.access_countries),
        )  # fmt: skip


def _sub_processors(register: Register) -> Rows:
    for v, c in _each_contract(register):
        for s in c.sub_processors:
            yield (
                register.sha256, v.id, c.id, s.name, s.service, array(s.countries), s.dpf_listing, s.declared.since,
                s.declared.until,
            )  # fmt: skip


def _mechanisms(register: Register) -> Rows:
    for v, c in _each_contract(register):
        for position, m in enumerate(c.mechanisms):
            yield register.sha256, v.id, c.id, position, *_mechanism(m)


def _mechanism(m: Mechanism) -> Sequence[object]:
    assessed = m.impact_assessment if isinstance(m, Clauses | ChineseRoute) else None
    route = m if isinstance(m, ChineseRoute) else None
    return (
        m.mechanism,
        array(m.regimes),
        array(m.countries),
        getattr(m, "covered_as", None),
        m.listing if isinstance(m, Framework) else None,
        m.module if isinstance(m, Clauses) else None,
        m.signed_at if isinstance(m, Clauses) else None,
        assessed.assessed_at if assessed else None,
        assessed.until if assessed else None,
        assessed.outcome == "positive" if assessed else None,
        route.route if route else None,
        route.in_force.since if route and route.in_force else None,
        route.in_force.until if route and route.in_force else None,
        route.notice_from if route else None,
    )


def _security(register: Register) -> Rows:
    for v in register.vendors:
        for e in v.security:
            yield register.sha256, v.id, e.measure, e.evidence, e.valid.since, e.valid.until
