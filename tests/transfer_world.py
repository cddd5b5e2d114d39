"""One disclosure with everything a rule looks at, judged twice: by the database's pass, and by loops written apart.

A `Case` is a small world; `Case.altered(…)` changes parts of it. `judged(connection, case)` puts it into the database,
judges it as a run does, and takes it all back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg2.extensions import connection as Connection  # noqa: N812 — as the package names it

from data_lifecycle.transfer_check import yardstick

SENT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
START, END = SENT - 300 * DAY, SENT + 300 * DAY
PHOTO, SERVICE, NOTICE, VENDOR = "user.content.self_image", "essential.service", "2024-08-08", "vendor"
EVER = (START, None)
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Mech:
    """A mechanism of the contract."""

    kind: str
    regimes: tuple[str, ...] = ("EU",)
    countries: tuple[str, ...] = ("US",)
    covered_as: str | None = None
    listing: str | None = None
    module: str | None = None
    signed: datetime | None = START
    assessed: datetime | None = START
    assessed_until: datetime | None = END
    positive: bool | None = True
    route: str | None = None
    route_span: tuple[datetime | None, datetime | None] = (START, None)
    notice: datetime | None = START


SCC = Mech("scc", module="c2p")
DPF = Mech("dpf", listing="Vendor Inc.")
PIPL = Mech("pipl", regimes=("CN",), route="standard_contract")


@dataclass(frozen=True)
class Sub:
    """A sub-processor that the contract declares."""

    name: str
    countries: tuple[str, ...]
    span: Span = EVER
    listing: str | None = None


@dataclass(frozen=True)
class Consented:
    """A consent record."""

    kind: str = "separate_consent"
    bundled: bool = False
    given: datetime = START
    withdrawn: datetime | None = None
    recipient: str | None = VENDOR
    category: str = PHOTO
    purpose: str = SERVICE
    notice: str = NOTICE


@dataclass(frozen=True)
class Listed:
    """An entry of a reference list."""

    name: str
    regime: str
    code: str
    scope: str = "full"
    condition: str = ""
    span: Span = EVER
    status: str = "in_force"


LISTS = (
    *(Listed("origins", "EU", code) for code in ("DE", "FR", "US")),
    Listed("origins", "UK", "GB"),
    Listed("origins", "CN", "CN"),
    *(Listed("eea", "EU", code) for code in ("DE", "FR")),
    Listed("adequacy", "EU", "JP"),
    Listed("adequacy", "EU", "US", "partial", "dpf"),
    Listed("adequacy", "EU", "CA", "partial", "commercial"),
    Listed("dpf", "EU", "Vendor Inc.", "org"),
    Listed("sensitive", "CN", PHOTO),
)


@dataclass(frozen=True)
class Case:
    """By default: a German's photo to Japan, with everything in order."""

    origin: str | None = "DE"
    destination: str | None = "JP"
    access: tuple[str, ...] | None = ()
    subs: tuple[str, ...] | None = ()
    transport: str | None = "TLSv1.3"
    category: str = PHOTO
    purpose: str = SERVICE
    sent: datetime = SENT
    minor: bool = False
    registered: bool = True
    role: str = "processor"
    contract: Span | None = (START, END)
    categories: tuple[str, ...] = (PHOTO,)
    purposes: tuple[str, ...] = (SERVICE,)
    storage: tuple[str, ...] = ("JP", "US", "IN", "CA", "DE", "FR", "CN", "BR")
    declared_access: tuple[str, ...] = ("IN",)
    declared_subs: tuple[Sub, ...] = (Sub("hosting", ("JP",)),)
    mechanisms: tuple[Mech, ...] = ()
    security: tuple[tuple[str, datetime, datetime], ...] = tuple(
        (measure, START, END) for measure in ("tls", "encryption", "access")
    )
    consents: tuple[Consented, ...] = (Consented(),)
    lists: tuple[Listed, ...] = LISTS
    volume_level: int = 1
    notices: tuple[tuple[str, datetime, datetime | None], ...] = field(default=((NOTICE, START, None),))

    def altered(self, **parts: Any) -> Case:
        """Another case, with these parts."""
        return replace(self, **parts)


# --- the judge written apart ----------------------------------------------------------------------------------------


def _in(span: tuple[datetime | None, datetime | None], at: datetime) -> bool:
    return span[0] is not None and span[0] <= at and (span[1] is None or at < span[1])


def reference_judge(case: Case) -> tuple[bool, list[str]]:
    """Whether a border is crossed, and all rules broken, by loops over plain values."""
    at = case.sent

    def entries(name: str, code: str | None) -> list[Listed]:
        return [
            e
            for e in case.lists
            if e.name == name and e.code == code and e.status == "in_force" and _in(e.span, at)
        ]

    def in_eea(code: str | None) -> bool:
        return bool(entries("eea", code))

    contract = case.registered and case.contract is not None and _in(case.contract, at)
    regime = next((e.regime for e in entries("origins", case.origin)), None)
    known = None not in (case.origin, case.destination, case.access, case.subs)
    named = case.subs or ()
    declared = [s for s in case.declared_subs if contract and _in(s.span, at)]
    undeclared = [n for n in named if n not in {s.name for s in declared}]
    listing = next(
        (m.listing for m in case.mechanisms if contract and m.kind == "dpf" and regime in m.regimes), None
    )
    reached = {(country, listing) for country in (*(case.access or ()), case.destination) if country}
    reached |= {(c, s.listing) for s in declared if s.name in named for c in s.countries}
    abroad = [
        (country, name)
        for country, name in reached
        if country != case.origin and not (in_eea(case.origin) and in_eea(country))
    ]
    crosses = bool(abroad) or not known or bool(undeclared)
    broken = set()
    if not contract:
        broken.add("T02")
    if not contract or case.category not in case.categories or case.purpose not in case.purposes:
        broken.add("T03")
    if case.minor:
        broken.add("T10")
    if crosses:
        broken |= set() if known else {"T01"}
        broken |= set() if regime else {"T04"}
        for country, name in abroad:
            broken |= _uncovered(case, regime, country, name, contract, entries)
        broken |= _unsafe(case, regime)
        if not contract or undeclared or _outside(case):
            broken.add("T11")
    return crosses, sorted(broken)


def _unsafe(case: Case, regime: str | None) -> set[str]:
    broken = set()
    good = [c for c in case.consents if _consented(case, c)]
    if not good:
        broken.add("T09")
    if regime in ("CN", None) and not any(c.kind == "separate_consent" for c in good):
        broken.add("T07")
    evidence = {m for m, since, until in case.security if case.registered and _in((since, until), case.sent)}
    if case.transport not in ("TLSv1.2", "TLSv1.3") or len(evidence) < 3:
        broken.add("T08")
    return broken


def _outside(case: Case) -> bool:
    stored = case.destination is None or case.destination in case.storage
    return not stored or bool({*(case.access or ())} - {*case.storage, *case.declared_access})


def _uncovered(
    case: Case, regime: str | None, country: str, listing: str | None, contract: bool, entries: Any
) -> set[str]:
    mechanisms = [m for m in case.mechanisms if contract and regime in m.regimes and country in m.countries]
    at = case.sent

    def assessed(m: Mech) -> bool:
        return bool(m.positive) and _in((m.assessed, m.assessed_until), at)

    if regime in ("CN", None):
        routes = [m for m in mechanisms if m.kind == "pipl"]
        enough = {"standard_contract": 1, "certification": 1, "security_assessment": 2}
        for m in routes:
            routed = case.volume_level == 0 or (
                _in(m.route_span, at) and enough.get(m.route or "", -1) >= case.volume_level
            )
            if assessed(m) and m.notice is not None and m.notice <= at and routed:
                return set()
        return {"T07"} if routes else {"T04", "T07"}
    decision = next(
        (e for e in entries("adequacy", country) if e.regime == regime and e.scope != "org"), None
    )
    if decision is not None:
        listed = any(e.regime == regime for e in entries("dpf", listing))
        covered_as = [m.covered_as for m in mechanisms if m.kind == "adequacy"]
        if (
            decision.scope == "full"
            or (decision.condition == "dpf" and listed)
            or decision.condition in covered_as
        ):
            return set()
    clauses = [m for m in mechanisms if m.kind in ("scc", "idta")]
    wanted = "c2p" if case.role == "processor" else "c2c"
    for m in clauses:
        if (
            m.signed is not None
            and m.signed <= at
            and assessed(m)
            and (m.kind == "idta" or m.module == wanted)
        ):
            return set()
    found = set()
    if clauses:
        found.add("T06")
    if decision is not None:
        found.add("T05")
    return found or {"T04"}


def _consented(case: Case, c: Consented) -> bool:
    notice = next(((since, until) for name, since, until in case.notices if name == c.notice), None)
    return (
        c.kind in ("expressed_consent", "separate_consent")
        and not c.bundled
        and (c.recipient, c.category, c.purpose) == (VENDOR, case.category, case.purpose)
        and _in((c.given, c.withdrawn), case.sent)
        and notice is not None
        and _in(notice, case.sent)
    )


# --- the database's judge -------------------------------------------------------------------------------------------


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Whatever happens inside is rolled back."""
    try:
        yield
    finally:
        connection.rollback()


def judged(connection: Connection, case: Case) -> tuple[bool, list[str]]:
    """Whether a border is crossed, and all rules broken, by the pass of a run. ``connection`` is the superuser's."""
    (row,) = judge_all(connection, [case])
    return row


def judge_all(connection: Connection, cases: Sequence[Case]) -> list[tuple[bool, list[str]]]:
    """As `judged`, for cases that share register, lists and notices with the first."""
    with undone(connection), connection.cursor() as cursor:
        version = uuid4().hex
        _put_world(cursor, version, cases[0])
        ids = [_put_disclosure(cursor, case) for case in cases]
        sent = [case.sent for case in cases]
        values = yardstick.bind_versions(connection, version, version, min(sent), max(sent))
        values["sensitive_levels"], values["sensitive_breaks"] = [cases[0].volume_level], []
        notices = {
            "notices": [name for name, _, _ in cases[0].notices],
            "notice_from": [since for _, since, _ in cases[0].notices],
            "notice_until": [until for _, _, until in cases[0].notices],
        }
        yardstick.open_session(connection)
        yardstick.fill_session(connection, -1, values | notices)
        yardstick.judge_session(connection, values)
        cursor.execute(
            "SELECT s.disclosure_id::text, j.cross_border, j.broken FROM subject s JOIN judged j USING (key)"
        )
        found = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
        return [found[name] for name in ids]


def _insert(cursor: Any, table: str, *values: object, columns: str = "") -> None:
    marks = ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO {table} {columns} VALUES ({marks})", values)  # noqa: S608 — constants of this file


def _put_world(cursor: Any, version: str, case: Case) -> None:
    cursor.execute("SET LOCAL session_replication_role = replica")
    _insert(cursor, "lifecycle.reference_version", version, len(case.lists))
    for e in case.lists:
        _insert(
            cursor, "lifecycle.reference_entry", version, e.name, e.regime, e.code, e.scope, e.condition, "i", *e.span,
            e.status, "s", "2026-01-01", "x",
        )  # fmt: skip
    _insert(cursor, "lifecycle.register_version", version, 1)
    if not case.registered:
        return
    _insert(
        cursor, "lifecycle.vendor", version, VENDOR, "V", "ai", case.role, "4.3", [], [], "P1D", "manual", "manual",
        "none", "0", "2026-01-01", "2027-01-01",
    )  # fmt: skip
    for measure, since, until in case.security:
        _insert(cursor, "lifecycle.vendor_security", version, VENDOR, measure, "e", since, until)
    if case.contract is None:
        return
    _insert(
        cursor, "lifecycle.vendor_contract", version, VENDOR, "c", *case.contract, list(case.categories),
        list(case.purposes), list(case.storage), list(case.declared_access),
    )  # fmt: skip
    for s in case.declared_subs:
        _insert(
            cursor, "lifecycle.vendor_sub_processor", version, VENDOR, "c", s.name, "s", list(s.countries), s.listing,
            *s.span,
        )  # fmt: skip
    for position, m in enumerate(case.mechanisms):
        _insert(
            cursor, "lifecycle.vendor_mechanism", version, VENDOR, "c", position, m.kind, list(m.regimes),
            list(m.countries), m.covered_as, m.listing, m.module, m.signed, m.assessed, m.assessed_until, m.positive,
            m.route, *m.route_span, m.notice,
        )  # fmt: skip


_CUSTOMER = "(customer_id, display_name, email, country, time_zone, is_minor, created_at)"
_ORDER = "(order_id, customer_id, service, created_at, last_activity_at)"
_DISCLOSURE = (
    "(disclosure_id, order_id, vendor, data_category, purpose, destination_country, sent_at, origin_country,"
    " access_countries, sub_processors, transport)"
)
_CONSENT = (
    "(record_id, pii_principal_id, pii_controller, privacy_notice_version, purpose, pii_type, recipient_third_party,"
    " jurisdiction, consent_type, bundled, given_at, withdrawn_at)"
)


def _put_disclosure(cursor: Any, case: Case) -> str:
    cursor.execute("SET LOCAL session_replication_role = replica")
    customer, disclosure, order = str(uuid4()), str(uuid4()), f"ord_{uuid4().hex[:12]}"
    person = (customer, "A", "a@example.org", "DE", "UTC", case.minor, START)
    _insert(cursor, "studio.customers", *person, columns=_CUSTOMER)
    _insert(cursor, "studio.orders", order, customer, "s", START, START, columns=_ORDER)
    access = None if case.access is None else list(case.access)
    subs = None if case.subs is None else list(case.subs)
    _insert(
        cursor, "studio.disclosures", disclosure, order, VENDOR, case.category, case.purpose, case.destination,
        case.sent, case.origin, access, subs, case.transport, columns=_DISCLOSURE,
    )  # fmt: skip
    for c in case.consents:
        _insert(
            cursor, "studio.consents", str(uuid4()), customer, "XMANART", c.notice, c.purpose, c.category, c.recipient,
            "DE", c.kind, c.bundled, c.given, c.withdrawn, columns=_CONSENT,
        )  # fmt: skip
    _insert(cursor, "lifecycle.transfer_item", -1, disclosure, None)
    return disclosure
