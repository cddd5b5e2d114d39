"""The vendor inventory on real servers: every kind of drift, what it is compared with, exports, what stays unsaid."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import leaks
from tests.inventory_fixtures import (
    DAY,
    PHOTO,
    drift,
    forget,
    inventory,
    lies_locked,
    observe,
    record_of,
    rows,
    send,
    stated,
)

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.protocol.house import PromiseBroken, Refused
from data_lifecycle.vendor_inventory.exporting import export_run, folder_of
from data_lifecycle.vendor_inventory.observing import observe_run
from data_lifecycle.vendor_inventory.planning import guard_run, plan_run
from data_lifecycle.vendors.register import load_register

if TYPE_CHECKING:
    from data_lifecycle.vendors.register import Register


def expected(office: Any, register: Register) -> set[tuple[str, str, str]]:
    """What differs, by a loop over all disclosures and the register: written apart from the product's pass."""
    found: set[tuple[str, str, str]] = set()
    for vendor_id, category, purpose, country, access, subs, at in rows(
        office,
        "SELECT vendor, data_category, purpose, destination_country, access_countries, sub_processors, sent_at"
        " FROM studio.disclosures",
    ):
        vendor = register.vendor(vendor_id)
        if vendor is None:
            found.add(("unlisted_vendor", vendor_id, ""))
            continue
        begun = [c for c in vendor.contracts if c.valid.since <= at]
        terms = max(begun, key=lambda c: c.valid.since) if begun else vendor.contracts[0]
        places = {*terms.storage_countries, *terms.access_countries}
        declared = {sub.name for sub in terms.sub_processors if sub.declared.holds(at)}
        differs = {
            "contract_not_begun": [] if begun else [""],
            "contract_expired": [""] if begun and not terms.valid.holds(at) else [],
            "new_category": {category} - set(terms.data_categories),
            "purpose_outside_contract": {purpose} - set(terms.data_uses),
            "new_country": ({country} - {None, *terms.storage_countries}) | (set(access or ()) - places),
            "country_unknown": [""] if country is None or access is None else [],
            "new_sub_processor": set(subs or ()) - declared,
            "sub_processor_unknown": [""] if subs is None else [],
        }
        found |= {(kind, vendor_id, subject) for kind, subjects in differs.items() for subject in subjects}
    return found


def test_the_demo_studios_differences_are_found_and_nothing_else(
    sending: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run_id = inventory(sending.house)
    settings = sending.house.settings
    policy = policy_in_force(load_all(settings.policy_dir), datetime.now(UTC))
    wanted = expected(sending, load_register(settings.policy_dir / "vendors.yaml", policy))
    assert drift(sending, run_id) == wanted
    assert {kind for kind, _, _ in wanted} >= {
        "unlisted_vendor", "contract_expired", "new_category", "purpose_outside_contract", "country_unknown",
        "new_sub_processor", "sub_processor_unknown",
    }  # fmt: skip
    assert rows(
        sending,
        "SELECT kind, vendor FROM lifecycle.inventory_drift"
        " WHERE run_id = %s AND NOT canary AND disclosures = 0 ORDER BY 1, 2",
        run_id,
    ) == [("no_traffic", "amazon-ses"), ("no_traffic", "easel-cloud"), ("review_overdue", "brushworks")]
    # Counted once more, as anybody would.
    assert rows(
        sending,
        "SELECT vendor, data_category, country, disclosures, people, objects, first_at, last_at"
        " FROM lifecycle.inventory_line WHERE run_id = %s AND NOT canary ORDER BY 1, 2, 3",
        run_id,
    ) == rows(
        sending,
        "SELECT d.vendor, d.data_category, coalesce(d.destination_country, 'unknown'), count(*),"
        " count(DISTINCT o.customer_id), count(DISTINCT d.upload_id), min(sent_at), max(sent_at)"
        " FROM studio.disclosures d JOIN studio.orders o USING (order_id) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )
    result = stated(sending, run_id)
    assert result["outcome"] == "verified"
    assert result["counts"]["canaries_wrong"] == 0
    assert result["counts"]["drift_by_kind"]["unlisted_vendor"] == 1
    lies_locked(sending, result)
    _says_nobody(sending, run_id, caplog.text)


def _says_nobody(office: Any, run_id: int, text: str) -> None:
    with connect(DatabaseAccess(office.studio.admin_url), "test") as connection:
        needles = leaks.people(connection)
        needles["disclosure"] = [
            r[0] for r in rows(office, "SELECT disclosure_id::text FROM studio.disclosures")
        ]
        needles["reference"] = [
            r[0] for r in rows(office, "SELECT vendor_ref FROM studio.disclosures WHERE vendor_ref <> ''")
        ]
        tables = leaks.postgres_tables(connection, "lifecycle")
        mine = [t for t in tables if ".inventory" in t] + [
            "lifecycle.run",
            "lifecycle.evidence",
            "lifecycle.assertion",
        ]
        assert len(mine) > 8
        assert leaks.search(needles, [("log", text)]) == []
        assert leaks.search(needles, leaks.in_database(connection, mine)) == []
        assert leaks.search(needles, leaks.in_files(folder_of(office.house.settings, run_id))) == []


KINDS: dict[str, tuple[dict[str, Any], set[tuple[str, str, str]]]] = {
    "nothing": ({"vendor": "fal"}, set()),
    "unlisted vendor": ({"vendor": "unknown-labs"}, {("unlisted_vendor", "unknown-labs", "")}),
    "new category": (
        {"vendor": "fal", "category": "user.financial"},
        {("new_category", "fal", "user.financial")},
    ),
    "new country": ({"vendor": "fal", "country": "BR"}, {("new_country", "fal", "BR")}),
    "looked at from a new country": ({"vendor": "fal", "access": ["BR"]}, {("new_country", "fal", "BR")}),
    "looked at from a country it may": (
        {
            "vendor": "stripe",
            "access": ["IE"],
            "category": "user.financial",
            "purpose": "essential.service.payment_processing",
        },
        set(),
    ),
    "country unknown": ({"vendor": "fal", "country": None}, {("country_unknown", "fal", "")}),
    "access unknown": ({"vendor": "fal", "access": None}, {("country_unknown", "fal", "")}),
    "purpose outside": (
        {"vendor": "fal", "purpose": "marketing"},
        {("purpose_outside_contract", "fal", "marketing")},
    ),
    "contract expired": (
        {
            "vendor": "sendgrid",
            "category": "user.contact.email",
            "purpose": "essential.service.notifications.email",
        },
        {("contract_expired", "sendgrid", "")},
    ),
    "contract not begun": (
        {"vendor": "fal", "sent_at": datetime(2024, 7, 31, 23, 59, 59, tzinfo=UTC)},
        {("contract_not_begun", "fal", "")},
    ),
    "contract begins that second": ({"vendor": "fal", "sent_at": datetime(2024, 8, 1, tzinfo=UTC)}, set()),
    "contract ends that second": (
        {
            "vendor": "sendgrid",
            "sent_at": datetime(2026, 1, 1, tzinfo=UTC),
            "category": "user.contact.email",
            "purpose": "essential.service.notifications.email",
        },
        {("contract_expired", "sendgrid", "")},
    ),
    "contract ends a moment later": (
        {
            "vendor": "sendgrid",
            "sent_at": datetime(2026, 1, 1, tzinfo=UTC) - timedelta(microseconds=1),
            "category": "user.contact.email",
            "purpose": "essential.service.notifications.email",
        },
        set(),
    ),
    "new sub-processor": (
        {"vendor": "openai", "subs": ["azure", "gpu-barn"]},
        {("new_sub_processor", "openai", "gpu-barn")},
    ),
    "sub-processor not declared yet": (
        {"vendor": "openai", "subs": ["azure"], "sent_at": datetime(2024, 7, 31, tzinfo=UTC)},
        {("contract_not_begun", "openai", ""), ("new_sub_processor", "openai", "azure")},
    ),
    "sub-processor unknown": ({"vendor": "openai", "subs": None}, {("sub_processor_unknown", "openai", "")}),
    "all at once": (
        {
            "vendor": "fal",
            "category": "user.financial",
            "purpose": "marketing",
            "country": "BR",
            "access": None,
        },
        {
            ("new_category", "fal", "user.financial"),
            ("purpose_outside_contract", "fal", "marketing"),
            ("new_country", "fal", "BR"),
            ("country_unknown", "fal", ""),
        },
    ),
}


def test_each_kind_of_drift_is_named_for_what_it_is(quiet: Any) -> None:
    """Each alone in the log of disclosures; a run for each costs little: nothing is published."""
    for what, (sent, expected) in KINDS.items():
        forget(quiet)
        send(quiet, **sent)
        assert drift(quiet, observe(quiet.house, what)) == expected, what
    last = rows(quiet, "SELECT max(run_id) FROM lifecycle.inventory")[0][0]
    forbidden = dict(
        rows(
            quiet,
            "SELECT kind, forbidden FROM lifecycle.inventory_drift"
            " WHERE run_id = %s AND NOT canary AND disclosures > 0",
            last,
        )
    )
    assert forbidden == {
        "new_category": True, "purpose_outside_contract": True, "new_country": False, "country_unknown": False,
    }  # fmt: skip


def test_people_are_counted_once_and_silence_and_reviews_have_dates(quiet: Any) -> None:
    now = datetime.now(UTC)
    send(quiet, "fal", now - 89 * DAY)
    send(quiet, "fal", now - 100 * DAY, person=1, country="BR")
    send(quiet, "fal", now - 95 * DAY, person=1)
    send(quiet, "replicate", now - 91 * DAY)
    run_id = observe(quiet.house)
    assert rows(
        quiet,
        "SELECT disclosures, people FROM lifecycle.inventory_vendor"
        " WHERE run_id = %s AND vendor = 'fal' AND NOT canary",
        run_id,
    ) == [(3, 2)]
    found = {
        (kind, vendor): since
        for kind, vendor, since in rows(
            quiet,
            "SELECT kind, vendor, since FROM lifecycle.inventory_drift"
            " WHERE run_id = %s AND NOT canary AND disclosures = 0",
            run_id,
        )
    }
    assert ("no_traffic", "fal") not in found
    assert found["no_traffic", "replicate"] == now - 91 * DAY
    assert found["no_traffic", "amazon-ses"] == datetime(2024, 8, 1, tzinfo=UTC)
    assert ("no_traffic", "sendgrid") not in found, "its contract is over: it may receive nothing"
    assert found["review_overdue", "brushworks"] == datetime(2026, 8, 15, tzinfo=UTC)


def test_the_next_inventory_tells_what_changed(quiet: Any, own_include: Path) -> None:
    send(quiet, "fal")
    send(quiet, "unknown-labs")
    first = inventory(quiet.house, "one")
    register = own_include / "policy" / "vendors.yaml"
    register.write_text(
        register.read_text("utf-8").replace("storage_countries: [US]", "storage_countries: [US, MX]"), "utf-8"
    )
    send(quiet, "fal", country="MX")
    send(quiet, "fal", country="BR")
    second = inventory(quiet.house, "two")
    record = record_of(quiet, second)
    assert record["previous_run"] == first
    assert record["register_changed"]
    assert {(c["change"], c["what"], c["vendor"], c["subject"], c["country"]) for c in record["changes"]} == {
        ("began", "line", "fal", PHOTO, "MX"),
        ("began", "line", "fal", PHOTO, "BR"),
        ("began", "new_country", "fal", "BR", ""),
    }
    # An inventory of an earlier moment is compared with the one before it, not with later ones.
    earlier = observe(quiet.house, "earlier", (datetime.now(UTC) - timedelta(hours=23)).isoformat())
    assert record_of(quiet, earlier)["previous_run"] is None
    third = observe(quiet.house, "three")
    assert record_of(quiet, third)["changes"] == []


def test_a_studio_that_sent_nothing_is_an_error_and_not_without_drift(quiet: Any) -> None:
    with pytest.raises(PromiseBroken, match="no disclosure was recorded"):
        plan_run(quiet.house, "test", datetime.now(UTC), None, False)
    send(quiet, "fal")
    with pytest.raises(PromiseBroken, match="no disclosure was recorded"):
        plan_run(quiet.house, "test", datetime.now(UTC), "2025-01-01T00:00:00+00:00", False)
    assert rows(quiet, "SELECT count(*) FROM lifecycle.inventory") == [(0,)]


def test_what_must_not_go_on_as_asked(quiet: Any, own_include: Path) -> None:
    send(quiet, "fal")
    for stated_moment in ("yesterday", "2999-01-01T00:00:00+00:00"):
        with pytest.raises(Refused):
            plan_run(quiet.house, "test", datetime.now(UTC), stated_moment, False)
    dry = plan_run(quiet.house, "dry", datetime.now(UTC), None, True)
    assert not guard_run(quiet.house, dry)
    with pytest.raises(PromiseBroken, match="not released"):
        observe_run(quiet.house, dry)
    run_id = plan_run(quiet.house, "changed", datetime.now(UTC), None, False)
    guard_run(quiet.house, run_id)
    with pytest.raises(PromiseBroken, match="observe comes first"):
        export_run(quiet.house, run_id)
    register = own_include / "policy" / "vendors.yaml"
    register.write_text(register.read_text("utf-8") + "# another\n", "utf-8")
    with pytest.raises(PromiseBroken, match="register or policy changed"):
        observe_run(quiet.house, run_id)
    assert rows(quiet, "SELECT count(*) FROM lifecycle.inventory") == [(0,)]


def test_two_pipelines_that_keep_the_same_register_at_once_both_plan(sending: Any) -> None:
    """The transfer check keeps the version first and commits while the inventory waits for it."""
    from concurrent.futures import ThreadPoolExecutor

    from tests.faults.workshop import wait_until

    from data_lifecycle.database import connect
    from data_lifecycle.transfer_check import yardstick

    now = datetime.now(UTC)
    with (
        connect(sending.house.connections.database("transfer_judge"), "first") as first,
        ThreadPoolExecutor(1) as pool,
    ):
        yardstick.keep(first, yardstick.load(sending.house, now))
        planned = pool.submit(plan_run, sending.house, "second", now, None, False)
        wait_until(
            lambda: rows(sending, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted") == [(True,)], 60
        )
        first.commit()
        assert planned.result(60) > 0
