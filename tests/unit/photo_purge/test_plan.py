"""The plan against a slow and obvious model of the policy: nothing undue, nothing forgotten, nothing twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.photo_purge.worlds import (
    AS_OF,
    BUCKETS,
    LONGER,
    ONE_PERIOD,
    TWO_PERIODS,
    File,
    World,
    cases,
    expected,
    left_out,
    plan_of,
    with_periods,
    worlds,
)

from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.photo_purge.plan import Order, PhotoClock, Upload, folder, make_plan, order_folder

DAY = timedelta(days=1)
thorough = settings(max_examples=150, deadline=None, database=None)


@thorough
@given(worlds())
def test_every_entry_has_the_fate_that_the_policy_gives_it(world: World) -> None:
    plan = plan_of(world)
    decided = {
        (i.bucket, i.key, i.kind, i.version_id): i.disposition for i in plan.items if i.kind != "nothing"
    }
    assert decided == expected(world)
    assert {case.order_id for case in plan.cases} == cases(world)
    assert plan.unlisted == len(left_out(world))


@thorough
@given(worlds())
def test_nothing_held_needed_or_foreign_is_erased_and_nothing_twice(world: World) -> None:
    """Each rule on its own, without the model: an error shared with it could not hide here."""
    plan = plan_of(world)
    files = {f.key: f for f in world.files}
    working = {case.order_id for case in plan.cases}
    there = {e.key for e in world.entries}
    owners: dict[UUID, set[str]] = defaultdict(set)
    for item in plan.items:
        assert item.order_id in working
        assert item.bucket in BUCKETS
        assert item.key.startswith("orders/")
        # A file without a trace in the store is still to be proven absent.
        assert (item.kind == "nothing") == (item.key not in there) == (item.version_id == "-")
        file = files.get(item.key)
        if file is None:
            assert (item.origin, item.upload_id) == ("unrecorded", None)
            assert item.key.startswith(f"orders/{item.order_id}/")
        else:
            assert item.upload_id == UUID(int=file.number + 1)
            owners[item.upload_id].add(item.order_id)
        if item.disposition == "erase":
            allowed_to_erase(world, item.order_id, file)
    assert all(len(orders) == 1 for orders in owners.values())
    identities = [(i.bucket, i.key, i.kind, i.version_id) for i in plan.items]
    assert len(identities) == len(set(identities))
    # Whatever the order in which the database and the store answered.
    assert plan_of(world, backwards=True) == plan


def allowed_to_erase(world: World, order_id: str, file: File | None) -> None:
    if file is None:
        assert not any(world.held(f) for f in world.family(order_id))
        return
    assert not world.held(file)
    assert order_id in world.users(file)
    users = [world.orders[user] for user in world.users(file)]
    if any(o.erase_requested_at is not None and o.erase_requested_at <= AS_OF for o, _ in users):
        return
    for order, present in users:
        asked = order.erase_requested_at is not None and order.erase_requested_at <= AS_OF
        ended = order.terminal_at or order.last_activity_at + 30 * DAY
        days = 3 if world.later is not None else 5
        assert asked or ended + days * DAY <= AS_OF or not present


BEFORE = World(
    ONE_PERIOD,
    {
        "ord_1": (Order("ord_1", AS_OF - 6 * DAY, AS_OF - 6 * DAY, None), True),
        "ord_2": (Order("ord_2", AS_OF - 5.5 * DAY, AS_OF - 6 * DAY, None), True),
    },
    (
        File(0, "personal_photo", BUCKETS[0], "orders/ord_1/a", frozenset({"ord_1"}), None, False),
        File(1, "personal_photo", BUCKETS[0], "orders/ord_1/b", frozenset({"ord_1", "ord_2"}), None, False),
    ),
    tuple(
        ObjectVersion(bucket, key, "version", f"v-{bucket}", 7, AS_OF, True)
        for key in ("orders/ord_1/a", "orders/ord_1/b", "orders/ord_2/stray")
        for bucket in BUCKETS
    ),
)


def _entry(world: World, **change: object) -> World:
    return replace(world, entries=(replace(world.entries[0], **change), *world.entries[1:]))  # type: ignore[arg-type]


def _file(world: World, **change: object) -> World:
    return replace(world, files=(replace(world.files[0], **change), *world.files[1:]))  # type: ignore[arg-type]


def _order(world: World, **change: object) -> World:
    order, present = world.orders["ord_1"]
    return replace(world, orders={**world.orders, "ord_1": (replace(order, **change), present)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "after",
    [
        _entry(BEFORE, version_id="other"),
        _entry(BEFORE, size=8),
        _entry(BEFORE, kind="marker"),
        _entry(BEFORE, bucket=BUCKETS[1], version_id="moved"),
        replace(BEFORE, entries=BEFORE.entries[1:]),
        replace(BEFORE, entries=(*BEFORE.entries, replace(BEFORE.entries[0], version_id="one more"))),
        replace(BEFORE, files=BEFORE.files[:1]),
        replace(BEFORE, unlisted=frozenset({"orders/ord_2/"})),
        _file(BEFORE, held=True),
        _file(BEFORE, number=5),
        _file(BEFORE, category="style_reference"),
        _order(BEFORE, terminal_at=AS_OF - 6 * DAY + timedelta(microseconds=1)),
        _order(BEFORE, erase_requested_at=AS_OF - DAY),
        _order(BEFORE, terminal_at=AS_OF),
    ],
)
def test_any_other_decision_has_another_seal(after: World) -> None:
    assert plan_of(after).sha256 != plan_of(BEFORE).sha256


def test_the_seal_is_bound_to_the_policy() -> None:
    clock = PhotoClock(ONE_PERIOD)
    seals = {make_plan(clock, sha, AS_OF, [], [], {}, [], BUCKETS).sha256 for sha in ("a", "b")}
    assert len(seals) == 2


def test_the_seal_covers_every_version_in_force_and_which_of_them_applies() -> None:
    seals = {
        make_plan(clock, "a", AS_OF, [], [], {}, [], BUCKETS).sha256
        for clock in (PhotoClock(ONE_PERIOD), PhotoClock(ONE_PERIOD, LONGER))
    }
    assert len(seals) == 2
    young = replace(BEFORE, files=tuple(replace(f, given=AS_OF - 6 * DAY) for f in BEFORE.files))
    later = [with_periods(7, date(2026, 6, day)) for day in (1, 2)]
    assert later[0].sha256 == later[1].sha256
    plans = [plan_of(replace(young, later=one)) for one in later]
    assert {item.policy_version for item in plans[0].items if item.upload_id} == {"2026-06-01"}
    assert plans[0].sha256 != plans[1].sha256


def test_an_order_of_which_all_is_still_to_come_is_no_case() -> None:
    order = Order("ord_1", AS_OF - 6 * DAY, AS_OF - 6 * DAY, None, AS_OF - 20 * DAY)
    file = File(
        0, "personal_photo", BUCKETS[0], "orders/ord_1/a", frozenset({"ord_1"}), None, False, AS_OF - DAY
    )
    entry = ObjectVersion(BUCKETS[0], "orders/ord_1/a", "version", "v", 1, AS_OF, True)
    world = World(ONE_PERIOD, {"ord_1": (order, True)}, (file,), (entry,), later=LONGER)
    assert PhotoClock(ONE_PERIOD, LONGER).due(order, AS_OF) is not None, "a stray would be due"
    assert (plan_of(world).cases, plan_of(world).items) == ((), ())


@given(worlds())
@settings(max_examples=50, deadline=None, database=None)
def test_a_file_in_a_bucket_that_nobody_looks_into_stays_visible(world: World) -> None:
    moved = replace(world, files=tuple(replace(f, bucket="studio-archive") for f in world.files))
    before, after = plan_of(world), plan_of(moved)
    unseen = {i.key for i in after.items if i.bucket == "studio-archive"}
    assert unseen == {i.key for i in before.items if i.upload_id is not None}
    assert [i for i in after.items if i.bucket != "studio-archive"] == [
        i for i in before.items if i.kind != "nothing"
    ]


@pytest.mark.parametrize("other_ended", [None, AS_OF - 6 * DAY, AS_OF - DAY / 2])
def test_what_a_person_asked_back_goes_whoever_else_uses_it_unless_it_is_held(
    other_ended: datetime | None,
) -> None:
    orders = {
        "ord_1": (Order("ord_1", None, AS_OF - DAY, AS_OF - DAY), True),
        "ord_2": (Order("ord_2", other_ended, other_ended or AS_OF, None), True),
    }
    entry = ObjectVersion(BUCKETS[0], "orders/ord_1/a", "version", "v", 1, AS_OF, True)
    for held, disposition in ((False, "erase"), (True, "hold")):
        file = File(0, "style_reference", BUCKETS[0], "orders/ord_1/a", frozenset(orders), None, held)
        (item,) = plan_of(World(TWO_PERIODS, orders, (file,), (entry,))).items
        assert item.disposition == disposition
        assert item.order_id == "ord_1"


@pytest.mark.parametrize(
    "key", ["", "orders", "orders/", "orders//a", "orders/ord_1", "other/ord_1/a", "/orders/ord_1/a"]
)
def test_a_key_outside_of_all_folders_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="outside"):
        folder(key)


def test_an_empty_id_never_names_the_folder_of_everybody() -> None:
    with pytest.raises(ValueError, match="without an id"):
        order_folder("")


@given(st.text(min_size=1))
def test_a_folder_ends_where_the_order_ends(name: str) -> None:
    assert folder(f"orders/ord_1/{name}") == order_folder("ord_1") == "orders/ord_1/"


def test_plans_and_their_parts_show_nobody() -> None:
    plan = plan_of(BEFORE)
    view = Upload(
        "ord_1",
        UUID(int=1),
        "personal_photo",
        BUCKETS[0],
        "orders/ord_1/a",
        False,
        frozenset({"ord_1"}),
        False,
    )
    text = repr((plan, view, BEFORE.orders["ord_1"][0]))
    assert "ord_1" not in text
    assert "orders/" not in text
