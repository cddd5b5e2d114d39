"""The sweep judges every entry of the buckets on its own: by the same clocks as the plan, to the second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from tests.policies import version
from tests.sql.purge_stage import AS_OF, BUCKETS, DAY, HOUR, Stage

from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.photo_purge.clock import STRAY, Order, PhotoClock
from data_lifecycle.photo_purge.plan import make_plan, order_folder
from data_lifecycle.photo_purge.planning import uploads_of
from data_lifecycle.policy.loader import load_policy

if TYPE_CHECKING:
    from tests.conftest import Studio

POLICY = load_policy(Path(__file__).parents[2] / "include" / "policy" / "xmanart-privacy-2024-08-08.yaml")
SECOND = timedelta(seconds=1)
UPLOADS, BACKUP = BUCKETS


@pytest.fixture(scope="module")
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


def verdict(stage: Stage, key: str, **options: Any) -> str:
    """The verdict on a single entry."""
    (found,), _, _ = stage.sweep([(UPLOADS, key)], **options)
    return found


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ({"ended": AS_OF - 7 * DAY}, "overdue"),
        ({"ended": AS_OF - 7 * DAY + SECOND}, "owned"),
        ({"ended": AS_OF - 7 * DAY, "state": "absent"}, "overdue"),
        ({"ended": AS_OF - 7 * DAY, "state": "none"}, "overdue"),
        ({"active": AS_OF - 37 * DAY}, "overdue"),
        ({"active": AS_OF - 37 * DAY + SECOND}, "owned"),
        ({"ended": AS_OF, "active": AS_OF - 99 * DAY}, "owned"),
        ({"asked": AS_OF - DAY}, "overdue"),
        ({"asked": AS_OF - DAY + SECOND}, "owned"),
        ({"ended": AS_OF - HOUR, "asked": AS_OF - DAY}, "overdue"),
    ],
    ids=str,
)
def test_an_entry_is_overdue_when_its_order_is(stage: Stage, clock: dict[str, Any], expected: str) -> None:
    order = stage.order(**clock)
    for key in (stage.key(stage.upload(order)), f"orders/{order}/stray", f"orders/{order}/deep/er/stray"):
        assert verdict(stage, key) == expected


def test_a_file_is_overdue_only_when_all_its_orders_are(stage: Stage) -> None:
    over, live = stage.order(ended=AS_OF - 9 * DAY), stage.order()
    shared = stage.upload(over, live)
    key = stage.key(shared)
    assert verdict(stage, key) == "owned"
    assert verdict(stage, f"orders/{over}/stray") == "overdue", "its folder is another matter"
    stage.change(live, ended=AS_OF - 8 * DAY)
    assert verdict(stage, key) == "overdue"


def test_chains_of_derivatives_of_any_length_share_orders_and_holds(stage: Stage) -> None:
    over, live = stage.order(ended=AS_OF - 9 * DAY), stage.order()
    photo = stage.upload(over, live)
    half = stage.upload(folder=over, made_from=photo)
    thumb = stage.upload(over, made_from=half)
    assert verdict(stage, stage.key(thumb)) == "owned"
    stage.change(live, ended=AS_OF - 9 * DAY)
    assert verdict(stage, stage.key(thumb)) == "overdue"
    hold = stage.hold(photo)
    assert verdict(stage, stage.key(thumb)) == "held"
    stage.release(hold)
    assert verdict(stage, stage.key(thumb)) == "overdue"


def test_strays_beside_a_held_file_are_held_with_it(stage: Stage) -> None:
    one, two = stage.order(ended=AS_OF - 9 * DAY), stage.order(ended=AS_OF - 9 * DAY)
    photo = stage.upload(one)
    entries = [(UPLOADS, stage.key(photo)), (BACKUP, f"orders/{one}/stray"), (UPLOADS, f"orders/{two}/stray")]
    hold = stage.hold(photo)
    assert stage.sweep(entries)[0] == ["held", "held", "overdue"]
    stage.release(hold)
    assert stage.sweep(entries)[0] == ["overdue", "overdue", "overdue"]


def test_a_row_that_no_order_links_belongs_to_the_order_of_its_folder(stage: Stage) -> None:
    over = stage.order(ended=AS_OF - 9 * DAY)
    lost = stage.upload(folder=over)
    (found,), again, _ = stage.sweep([(UPLOADS, stage.key(lost))])
    assert (found, again) == ("overdue", {over})
    stage.hold(lost)
    assert verdict(stage, stage.key(lost)) == "held"


# --- holds that are over ----------------------------------------------------------------------------------------------


def past_hold(
    stage: Stage, upload: UUID, begun: datetime, ended: datetime, *, expired: bool = False, by: str = "bob"
) -> None:
    """A hold over a file that was in force from … to …, released then or expired."""
    hold_id = uuid4()
    stage.put(
        "INSERT INTO studio.legal_holds (hold_id, basis, placed_by, approved_by, placed_at, expires_at, released_at) "
        "VALUES (%s, 'court', 'ann', %s, %s, %s, %s)",
        *(hold_id, by, begun, ended if expired else ended + 99 * DAY, None if expired else ended),
    )
    stage.put("INSERT INTO studio.legal_hold_uploads VALUES (%s, %s)", hold_id, upload)


@pytest.mark.parametrize("expired", [False, True], ids=["released", "expired"])
@pytest.mark.parametrize(
    ("begun", "ended", "due"),
    [
        (-9 * DAY, 3 * DAY, 4 * DAY),
        (timedelta(0), 3 * DAY, 4 * DAY),
        (-9 * DAY, -HOUR, 23 * HOUR),
        (-9 * DAY, -DAY, timedelta(0)),  # its 24 hours were over when the deadline passed
        (SECOND, 3 * DAY, timedelta(0)),  # placed after the deadline: excuses nothing
    ],
    ids=str,
)
def test_a_file_has_its_hours_after_a_hold_that_outlived_its_deadline(
    stage: Stage, begun: timedelta, ended: timedelta, due: timedelta, expired: bool
) -> None:
    deadline = AS_OF - 20 * DAY
    order = stage.order(ended=deadline - 7 * DAY)
    photo = stage.upload(order, given=deadline - 9 * DAY)
    thumb = stage.upload(folder=order, made_from=photo)
    past_hold(stage, photo, deadline + begun, deadline + ended, expired=expired)
    for key in (stage.key(photo), stage.key(thumb), f"orders/{order}/beside-it"):
        assert verdict(stage, key, as_of=deadline + due - SECOND) == "owned"
        assert verdict(stage, key, as_of=deadline + due) == "overdue"


def test_a_hold_that_lacked_something_moves_nothing_nor_does_one_over_another_file(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 8 * DAY)
    photo, other = stage.upload(order), stage.upload(order)
    past_hold(stage, photo, AS_OF - 9 * DAY, AS_OF - HOUR, by="Ann ")
    past_hold(stage, other, AS_OF - 9 * DAY, AS_OF - HOUR)
    assert verdict(stage, stage.key(photo)) == "overdue", "one person alone held nothing"
    assert verdict(stage, stage.key(other)) == "owned"


def test_what_is_asked_back_while_held_is_due_hours_after_the_hold(stage: Stage) -> None:
    order = stage.order(asked=AS_OF - 3 * DAY)
    photo = stage.upload(order)
    past_hold(stage, photo, AS_OF - 9 * DAY, AS_OF - HOUR)
    assert verdict(stage, stage.key(photo)) == "owned"
    assert verdict(stage, stage.key(photo), as_of=AS_OF + 23 * HOUR) == "overdue"


def planned_deadline(stage: Stage, clock: PhotoClock, order: Order, as_of: datetime) -> datetime:
    """By when the plan would have the order's files gone that are in the store."""
    with stage.connection("studio_reader") as connection:
        files = uploads_of(connection, [order.order_id])
    case = clock.due(order, as_of, files)
    assert case is not None
    there = [ObjectVersion(UPLOADS, f.key, "version", f.key, 1, AS_OF, True) for f in files]
    listed = {order_folder(order.order_id): there}
    (found,) = make_plan(clock, "0", as_of, [case], files, listed, (), BUCKETS).cases
    return found.deadline


def random_holds(random: Random, deadline: datetime) -> Sequence[tuple[datetime, datetime]]:
    """Up to four holds around a deadline, some of them touching to the hour."""
    begun = [random.randint(-60, 90) for _ in range(random.randint(0, 4))]
    return [(deadline + b * HOUR, deadline + (b + random.randint(1, 80)) * HOUR) for b in begun]


def test_deadlines_agree_with_the_plan_after_any_holds(stage: Stage) -> None:
    random, moved = Random(20261123), 0
    clock = PhotoClock(POLICY)
    for _ in range(60):
        ended = AS_OF - random.uniform(30, 40) * DAY
        asked = ended + random.uniform(0, 8) * DAY if random.random() < 0.3 else None
        name = stage.order(ended=ended, asked=asked)
        photo = stage.upload(name, given=ended - DAY)
        made = stage.upload(name, made_from=photo, given=ended) if random.random() < 0.5 else None
        order = Order(name, ended, AS_OF, asked, ended)
        own = planned_deadline(stage, clock, order, AS_OF)
        for begun, over in random_holds(random, own):
            past_hold(stage, photo, begun, over, expired=random.random() < 0.5)
        deadline = planned_deadline(stage, clock, order, AS_OF)
        moved += deadline > own
        for upload in (photo, made) if made else (photo,):
            found = [
                verdict(stage, stage.key(upload), as_of=moment, clock=PhotoClock.at([POLICY], moment))
                for moment in (deadline - SECOND, deadline)
            ]
            assert found == ["owned", "overdue"], (name, own, deadline)
    assert moved >= 15, "the test has to meet holds that move a deadline"


@pytest.mark.parametrize(
    "key",
    [
        *(
            "orders/{}",
            "orders/{}.jpg",
            "orders/",
            "orders//a",
            "orders/{}3/a",
            "orders/{}x/a",
            "ORDERS/{}/a",
        ),
        *("/orders/{}/a", "x/orders/{}/a", "tmp/a", "a", "canary", "xcanary/a"),
    ],
)
def test_what_lies_in_no_folder_of_an_order_is_an_orphan(stage: Stage, key: str) -> None:
    order = stage.order(ended=AS_OF - 9 * DAY)
    (found,), again, _ = stage.sweep([(UPLOADS, key.format(order))])
    assert (found, again) == ("orphan", set())


def test_counts_add_up_for_every_bucket_and_an_empty_one_has_a_row_of_noughts(stage: Stage) -> None:
    over, live = stage.order(ended=AS_OF - 9 * DAY), stage.order()
    held = stage.upload(over)
    stage.hold(held)
    entries = [
        (UPLOADS, key)
        for key in (stage.key(held), f"orders/{live}/a", "canary/x", "lost/1", "lost/2", "lost/3")
    ]
    _, _, counts = stage.sweep(entries)
    rows = {row["bucket"]: row for row in counts}
    assert rows[UPLOADS]["listed"] == 6
    assert {n: rows[UPLOADS][n] for n in ("owned", "held", "overdue", "orphans", "aged_orphans", "canaries")} == {
        "owned": 1, "held": 1, "overdue": 0, "orphans": 3, "aged_orphans": 3, "canaries": 1,
    }  # fmt: skip
    assert rows[UPLOADS]["oldest_orphan_at"] == AS_OF - 5 * DAY
    assert {v for k, v in rows[BACKUP].items() if k not in ("bucket", "oldest_orphan_at")} == {0}


def test_kinds_of_files_have_their_own_periods_and_strays_the_strictest(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 9 * DAY)
    photo, style = stage.upload(order), stage.upload(order, category="style_reference")
    entries = [(UPLOADS, k) for k in (stage.key(photo), stage.key(style), f"orders/{order}/stray")]
    assert stage.sweep(entries, style_reference=30 * DAY)[0] == ["overdue", "owned", "overdue"]
    assert stage.sweep(entries, style_reference=9 * DAY)[0] == ["overdue", "overdue", "overdue"]


# --- what is looked at again ------------------------------------------------------------------------------------------


def test_the_orders_of_an_overdue_file_are_looked_at_again_not_the_one_its_folder_names(stage: Stage) -> None:
    home, over = stage.order(), stage.order(ended=AS_OF - 9 * DAY, state="absent")
    photo = stage.upload(over, folder=home)
    (found,), again, _ = stage.sweep([(UPLOADS, stage.key(photo))])
    assert (found, again) == ("overdue", {over})


@pytest.mark.parametrize("state", ["absent", "none"])
def test_what_comes_in_after_the_purge_is_looked_at_before_its_deadline(stage: Stage, state: str) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY, state=state)
    (found,), again, _ = stage.sweep([(UPLOADS, f"orders/{order}/by-an-old-address")])
    assert (found, again) == ("owned", {order})


def test_what_an_order_still_has_a_right_to_is_left_to_its_plan(stage: Stage) -> None:
    live, done = stage.order(), stage.order(ended=AS_OF - 6 * DAY, state="absent")
    shared = stage.upload(live, done)
    assert stage.sweep([(UPLOADS, stage.key(shared)), (UPLOADS, f"orders/{live}/stray")])[1] == set()


def test_an_order_of_this_run_is_not_done_with_while_something_of_it_is_there(stage: Stage) -> None:
    order, other = stage.order(ended=AS_OF - 6 * DAY), stage.order(ended=AS_OF - 6 * DAY)
    run = stage.new_run()
    stage.claim(run, order)
    stage.claim(stage.new_run(), other)
    entries = [(UPLOADS, f"orders/{o}/arrived-after-the-last-look") for o in (order, other)]
    assert stage.sweep(entries, run_id=run)[1] == {order}
    assert stage.absent_cases(run) == set()


def test_what_is_held_or_an_orphan_is_not_looked_at_again(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 9 * DAY, state="absent")
    photo = stage.upload(order)
    stage.hold(photo)
    assert stage.sweep([(UPLOADS, stage.key(photo)), (UPLOADS, "lost/a"), (UPLOADS, "canary/a")])[1] == set()


# --- the same clocks in SQL and in Python -----------------------------------------------------------------------------

ZONES = (
    "Asia/Shanghai", "UTC", "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Europe/London",
    "Australia/Sydney", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland",
    "America/Santiago", "Pacific/Kiritimati",
)  # fmt: skip


def near_changes(random: Random, zone: str) -> datetime:
    """A moment whose local week mostly ends within two hours of a clock change of the zone, if it has any."""
    first = datetime(random.randint(2024, 2026), 1, 1, tzinfo=UTC)
    days = [first + n * DAY for n in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    changes = [days[n] for n in range(1, 366) if offsets[n] != offsets[n - 1]] or days
    change = random.choice(changes)
    while (
        change.astimezone(ZoneInfo(zone)).utcoffset()
        == (change - HOUR / 4).astimezone(ZoneInfo(zone)).utcoffset()
    ):
        change -= HOUR / 4
        if len(changes) > 300:
            break  # no changes in this zone
    return change - 7 * DAY + timedelta(minutes=random.randint(-120, 120) * random.choice((1, 1, 12)))


def test_deadlines_agree_with_the_clock_in_any_zone_around_any_clock_change(stage: Stage) -> None:
    random = Random(20260610)
    skipped_or_repeated = 0
    for number in range(260):
        zone = ZONES[number % len(ZONES)]
        ended = near_changes(random, zone)
        policy = POLICY.model_copy(update={"header": POLICY.header.model_copy(update={"timezone": zone})})
        asked = ended + random.choice((1, 9)) * DAY if random.random() < 0.2 else None
        abandoned = random.random() < 0.2
        terminal, active = (None, ended - 30 * DAY) if abandoned else (ended, ended)
        name = stage.order(ended=terminal, active=active, asked=asked)
        by_end = PhotoClock(policy).due(Order(name, terminal, active, None), ended + 5 * DAY)
        assert by_end is not None
        deadline = min([by_end.deadline, *([asked + DAY] if asked else [])])
        wall = (ended.astimezone(ZoneInfo(zone)) + 7 * DAY).replace(tzinfo=None)
        skipped_or_repeated += (
            len({wall.replace(tzinfo=ZoneInfo(zone), fold=f).utcoffset() for f in (0, 1)}) - 1
        )
        found = [
            verdict(stage, f"orders/{name}/a", as_of=deadline + shift, time_zone=zone)
            for shift in (timedelta(0), -SECOND)
        ]
        assert found == ["overdue", "owned"], (zone, ended.isoformat(), deadline.isoformat())
    assert skipped_or_repeated >= 5, "the test has to meet gaps and folds"


@pytest.mark.parametrize(
    ("zone", "local", "meaning"),
    [
        ("America/New_York", "2026-03-01T02:30", "a time that is skipped a week later"),
        ("America/New_York", "2026-10-25T01:30", "a time that occurs twice a week later"),
        ("Europe/Berlin", "2026-03-22T02:30", "skipped"),
        ("Europe/Berlin", "2026-10-18T02:30", "twice"),
        ("Australia/Lord_Howe", "2026-09-27T02:15", "skipped, by half an hour"),
        ("Australia/Lord_Howe", "2026-03-29T01:45", "twice, by half an hour"),
        ("America/Santiago", "2026-08-30T00:30", "a midnight that is skipped"),
    ],
)
def test_gaps_and_folds_are_read_as_the_earlier_instant(
    stage: Stage, zone: str, local: str, meaning: str
) -> None:
    ended = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    policy = POLICY.model_copy(update={"header": POLICY.header.model_copy(update={"timezone": zone})})
    deadline = PhotoClock(policy).rules["personal_photo"].dates(ended, zone).deadline
    name = stage.order(ended=ended)
    assert verdict(stage, f"orders/{name}/a", as_of=deadline, time_zone=zone) == "overdue", meaning
    assert verdict(stage, f"orders/{name}/a", as_of=deadline - SECOND, time_zone=zone) == "owned", meaning


# --- several versions of the policy -----------------------------------------------------------------------------------

FIRST = version(7, 0)
HISTORIES = {
    "longer": (FIRST, version(14, 600)),
    "shorter": (FIRST, version(5, 600, "P3D")),
    "there and back": (FIRST, version(5, 590, "P3D"), version(9, 600, styles=12)),
    "taken back": (FIRST, version(5, 600, "P9D"), version(7, 604)),
    "expiring sooner": (FIRST, version(7, 600, "P2D", idle=10)),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_deadlines_agree_with_the_clock_by_whatever_version_applies(stage: Stage, name: str) -> None:
    random, versions = Random(name), HISTORIES[name]
    turn, decided = versions[-1].in_force_from, set()
    for _ in range(24):
        given, created = (turn + random.uniform(-14, 4) * DAY for _ in range(2))
        ended = turn + random.uniform(-14, 8) * DAY if random.random() < 0.7 else None
        active = ended or turn - random.uniform(2, 40) * DAY
        kind = random.choice(("personal_photo", "style_reference"))
        order = stage.order(ended=ended, active=active, created=created)
        key = stage.key(stage.upload(order, category=kind, given=given))
        thumb = stage.key(
            stage.upload(order, made_from=stage.upload(given=given), given=turn + 9 * DAY, category=kind)
        )
        for at, what, age in (
            (key, kind, given),
            (thumb, kind, given),
            (f"orders/{order}/a", STRAY, created),
        ):
            as_of = turn + random.uniform(-5, 20) * DAY
            clock = PhotoClock.at(versions, as_of)
            window = clock.window(Order(order, ended, active, None, created), what, age, as_of)
            for moment in (as_of, window.deadline, window.deadline - SECOND):
                judge = PhotoClock.at(versions, moment)
                due = (
                    judge.window(Order(order, ended, active, None, created), what, age, moment).deadline
                    <= moment
                )
                found = verdict(stage, at, as_of=moment, clock=judge)
                assert found == ("overdue" if due else "owned"), (name, what, moment)
            decided.add(window.applies.policy.version)
    assert len(decided) >= 2 or name == "taken back"


def test_what_this_run_keeps_does_not_keep_its_order_open(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY)
    photo = stage.upload(order)
    run = stage.new_run()
    case = stage.claim(run, order)[order]
    assert stage.sweep([(UPLOADS, stage.key(photo))], run_id=run)[1] == {order}
    run = stage.new_run()
    case = stage.claim(run, order)[order]
    stage.seal(run, case, stage.key(photo), photo, disposition="keep")
    assert stage.sweep([(UPLOADS, stage.key(photo))], run_id=run)[1] == set()
    stage.change(order, state="absent")
    assert stage.sweep([(UPLOADS, stage.key(photo))], run_id=run)[1] == {order}
