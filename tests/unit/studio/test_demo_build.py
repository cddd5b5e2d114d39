"""The demo studio, before it is written anywhere: same seed, same studio; every scenario is what its name says."""

from __future__ import annotations

import io
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_lifecycle.policy.taxonomy import require_category, require_use
from data_lifecycle.studio.demo import keys
from data_lifecycle.studio.demo.build import build
from data_lifecycle.studio.demo.model import DemoStudio, KeyHistory, Upload
from data_lifecycle.studio.demo.pictures import Album, Picture, format_of
from data_lifecycle.studio.demo.scenarios import MINIMUM_ORDERS, SCENARIOS

NOW = datetime(2026, 3, 29, 9, 30, 12, 345678, tzinfo=UTC)
DAY = timedelta(days=1)
TERMINAL = {"completed", "cancelled", "refunded", "expired"}


@pytest.fixture(scope="module")
def studio() -> DemoStudio:
    return build(7, 120, NOW)


def only(studio: DemoStudio, scenario: str) -> str:
    (order_id,) = studio.by_scenario[scenario]
    return order_id


def of_order(studio: DemoStudio, order_id: str) -> list[Upload]:
    return [upload for upload in studio.uploads if upload.object_key.startswith(f"orders/{order_id}/")]


def below(studio: DemoStudio, order_id: str) -> list[KeyHistory]:
    return [history for history in studio.contents if history.key.startswith(f"orders/{order_id}/")]


def test_same_seed_is_the_same_studio() -> None:
    assert build(7, 60, NOW) == build(7, 60, NOW)
    assert build(7, 60, NOW) != build(8, 60, NOW)


def test_the_zone_of_now_does_not_matter() -> None:
    assert build(7, 60, NOW) == build(7, 60, NOW.astimezone(timezone(timedelta(hours=8))))


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        build(7, 60, NOW.replace(tzinfo=None))


def test_too_few_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="40"):
        build(7, MINIMUM_ORDERS - 1, NOW)


@given(seed=st.integers(0, 2**32), orders=st.integers(MINIMUM_ORDERS, 300))
@settings(max_examples=25, deadline=None)
def test_any_studio_is_consistent(seed: int, orders: int) -> None:
    studio = build(seed, orders, NOW)
    assert len(studio.orders) == orders
    assert set(studio.by_scenario) == set(SCENARIOS)
    ids = [order.order_id for order in studio.orders]
    assert len(set(ids)) == orders
    known = {customer.customer_id: customer for customer in studio.customers}
    assert len({customer.email for customer in studio.customers}) == len(studio.customers)
    for order in studio.orders:
        assert known[order.customer_id].created_at < order.created_at < NOW
    for event in studio.events:
        assert event.occurred_at <= event.recorded_at
        assert event.occurred_at <= NOW
    assert len({upload.object_key for upload in studio.uploads}) == len(studio.uploads)
    assert len({(history.place, history.key) for history in studio.contents}) == len(studio.contents)
    own = set(ids)
    for upload in studio.uploads:
        assert upload.object_key.split("/")[1] in own
        assert len(upload.object_key.encode()) <= 1024
    assert all(d.sent_at <= NOW for d in studio.disclosures)
    assert all(p.settled_at is None or p.occurred_at < p.settled_at <= NOW for p in studio.payments)


@given(seed=st.integers(0, 2**32), orders=st.integers(MINIMUM_ORDERS, 300))
@settings(max_examples=15, deadline=None)
def test_one_purge_is_below_half_of_what_is_stored(seed: int, orders: int) -> None:
    studio = build(seed, orders, NOW)
    entries = Counter[str | None]()
    for history in studio.contents:
        entries[history.fate] += len(history.steps)
    assert entries["erase"] < 0.5 * sum(entries.values())
    rows = Counter(upload.fate for upload in studio.uploads)
    assert rows["erase"] < 0.5 * sum(rows.values())


def test_ages_are_what_the_scenario_says(studio: DemoStudio) -> None:
    for order in studio.orders:
        scenario = SCENARIOS[order.scenario]
        activity = max(e.occurred_at for e in studio.events if e.order_id == order.order_id)
        ended = scenario.ending in TERMINAL or scenario.ending == "recompleted"
        assert (order.ended_at is not None) == ended
        age = studio.now - (order.ended_at or activity)
        assert scenario.age[0] <= age <= scenario.age[1], order.scenario
        if scenario.fate == "keep":
            assert age < (5 * DAY if order.ended_at else 35 * DAY)
        elif scenario.fate == "erase" and order.erase_requested_at is None:
            assert age > (5 * DAY if order.ended_at else 35 * DAY)


def test_first_terminal_event_since_reopening_is_the_end(studio: DemoStudio) -> None:
    for order in studio.orders:
        events = [e for e in studio.events if e.order_id == order.order_id]
        reopened = max((e.occurred_at for e in events if e.kind == "reopened"), default=None)
        ends = [
            e.occurred_at for e in events if e.kind in TERMINAL and (not reopened or e.occurred_at > reopened)
        ]
        assert order.ended_at == min(ends, default=None)


def test_a_later_refund_is_recorded_before_the_completion(studio: DemoStudio) -> None:
    order_id = only(studio, "corrected_later")
    kinds = [e.kind for e in studio.events if e.order_id == order_id]
    assert kinds.index("refunded") < kinds.index("completed")


def test_shared_files_have_the_fate_of_the_last_order(studio: DemoStudio) -> None:
    shared = {u.order_ids: u for u in studio.uploads if len(u.order_ids) > 1}
    kept = shared[only(studio, "shared_with_open"), only(studio, "sharing_open")]
    gone = shared[only(studio, "shared_due_owner"), only(studio, "shared_due_user")]
    assert (kept.fate, gone.fate) == ("keep", "erase")
    assert {h.fate for h in studio.contents if h.key == kept.object_key} == {"keep"}
    owners = {order.order_id: order.customer_id for order in studio.orders}
    for upload in shared.values():
        assert len({owners[order_id] for order_id in upload.order_ids}) == 1


def test_holds(studio: DemoStudio) -> None:
    holds = {h.upload_ids: h for h in studio.holds}
    by_order = {
        name: next(
            h
            for ids, h in holds.items()
            if set(ids) <= {u.upload_id for u in of_order(studio, only(studio, name))}
        )
        for name in ("held", "hold_unapproved", "hold_endless", "hold_released")
    }
    valid = by_order["held"]
    assert valid.basis
    assert valid.approved_by not in (None, valid.placed_by)
    assert valid.expires_at is not None
    assert valid.expires_at > studio.now
    assert by_order["hold_unapproved"].approved_by is None
    assert by_order["hold_endless"].expires_at is None
    for name, found in by_order.items():
        flawed = name in ("hold_unapproved", "hold_endless")
        assert ("demo: flawed on purpose" in found.placed_by) is flawed
        assert (studio.now - found.placed_at < DAY) is flawed, "time to mend it, from the first look on"
    released = by_order["hold_released"].released_at
    assert released is not None
    assert studio.now - DAY < released < studio.now
    fates = Counter(u.fate for u in of_order(studio, only(studio, "held")))
    assert fates["hold"] == 2, "the front photo and its thumbnail"
    assert fates["erase"] >= 1


def test_strange_store_contents(studio: DemoStudio) -> None:
    recorded = {u.object_key for u in studio.uploads}
    stored = {(h.place, h.key): h for h in studio.contents}
    assert any(h.key not in recorded for h in below(studio, only(studio, "unrecorded")))
    gone = of_order(studio, only(studio, "object_gone"))
    assert any(not {("uploads", u.object_key), ("backup", u.object_key)} & stored.keys() for u in gone)
    assert any(("uploads", u.object_key) not in stored and ("backup", u.object_key) in stored for u in gone)
    for name in ("markers_due", "markers_kept"):
        histories = [h for h in below(studio, only(studio, name)) if "marker" in h.steps]
        assert {h.place for h in histories} == {"uploads", "backup"}
        assert any(h.steps[-1] == "marker" for h in histories)
        assert any(h.steps[-1] != "marker" for h in histories)
    for name in ("unfinished_due", "unfinished_kept"):
        assert sum(h.steps.count("multipart") for h in below(studio, only(studio, name))) == 4
    many = below(studio, only(studio, "many_versions"))
    assert min(len(h.steps) for h in many if h.place == "uploads") >= 5
    orphans = [h for h in studio.contents if h.fate is None]
    own = {order.order_id for order in studio.orders}
    assert all(h.key.split("/")[1:2] == [] or h.key.split("/")[1] not in own for h in orphans)
    assert any(not h.key.startswith("orders/") for h in orphans)


def test_hostile_keys(studio: DemoStudio) -> None:
    for name in ("hostile_due", "hostile_kept"):
        found = {u.object_key for u in of_order(studio, only(studio, name))}
        for part in (" ", "+", "%", "\n", "'", ";--", "🖼", "\t", "{{"):
            assert any(part in key for key in found), part
        assert keys.LONG_KEY_BYTES in {len(key.encode()) for key in found}
        composed = [unicodedata.normalize("NFC", key) for key in found]
        assert len(set(composed)) < len(composed), "two keys must differ in normalisation only"


def test_neighbours_invite_mistakes(studio: DemoStudio) -> None:
    due, longer, alike = (only(studio, f"neighbour_{name}") for name in ("due", "longer", "alike"))
    assert longer.startswith(due)
    assert longer != due
    assert alike != due
    assert alike == due.replace("_", "-")


def test_pictures_are_real_and_differ(studio: DemoStudio) -> None:
    album, again = Album(7), Album(7)
    steps = [s for h in studio.contents for s in h.steps if isinstance(s, Picture)]
    seen: set[tuple[str, tuple[int, int]]] = set()
    contents: dict[bytes, Picture] = {}
    for picture in steps[:400]:
        content = album.render(picture)
        assert content == again.render(picture)
        assert contents.setdefault(content, picture) == picture
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert image.format == format_of(picture.base, picture.thumbnail)
            assert Image.MIME[image.format] == picture.media_type
            exif = image.getexif().get_ifd(0x8769)
            assert exif[0xA420] == picture.unique_id
            assert exif[0x9003] == picture.taken_at.strftime("%Y:%m:%d %H:%M:%S")
            seen.add((image.format, image.size))
    assert {name for name, _ in seen} == {"JPEG", "PNG", "WEBP"}
    assert len(seen) > 8


def test_a_picture_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Album(1).render(Picture(0, False, "a" * 32, NOW.replace(tzinfo=None)))


def test_categories_and_uses_are_in_the_taxonomy(studio: DemoStudio) -> None:
    for disclosure in studio.disclosures:
        require_category(disclosure.data_category)
        require_use(disclosure.purpose)
    for consent in studio.consents:
        require_category(consent.pii_type)
        require_use(consent.purpose)


def test_money_and_people(studio: DemoStudio) -> None:
    assert {p.kind for p in studio.payments} == {"charge", "refund", "dispute"}
    charges = {p.payment_id: p for p in studio.payments if p.kind == "charge"}
    for payment in studio.payments:
        assert (payment.charge_id == payment.payment_id) == (payment.kind == "charge")
        assert payment.amount <= charges[payment.charge_id].amount
    abandoned = {*studio.by_scenario["abandoned"], *studio.by_scenario["abandoned_waiting"]}
    charged = {p.order_id for p in charges.values()}
    assert charged == {order.order_id for order in studio.orders} - abandoned
    zones = Counter(customer.time_zone for customer in studio.customers)
    assert zones.most_common(1)[0][0] == "Asia/Shanghai"
    assert len(zones) >= 6
    assert all(c.email.rpartition("@")[2].startswith("example.") for c in studio.customers)
    minors = {c.customer_id for c in studio.customers if c.is_minor}
    assert minors
    assert {o.scenario for o in studio.orders if o.customer_id in minors} == {"archived"}
    consents = Counter(c.consent_type for c in studio.consents)
    assert {"expressed_consent", "separate_consent"} <= consents.keys()


def test_nothing_personal_in_a_repr(studio: DemoStudio) -> None:
    text = (
        repr(studio.customers[:5])
        + repr(studio.uploads[:5])
        + repr(studio.contents[:5])
        + repr(studio.orders[:5])
    )
    assert studio.customers[0].email not in text
    assert studio.customers[0].display_name not in text
    assert studio.uploads[0].object_key not in text
