"""The plan of the archive: windows, files, and that by construction nothing is kept too short or too long."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_lifecycle.payment_archive.plan import (
    Due,
    Ended,
    PaymentClock,
    Plan,
    Stored,
    Window,
    judge,
    make_plan,
    window_of,
)
from data_lifecycle.policy.loader import load_all
from data_lifecycle.protocol.caps import exceeded

POLICY = load_all(Path(__file__).resolve().parents[3] / "include" / "policy")[-1]
CLOCK = PaymentClock(POLICY)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
MOMENTS = st.integers(1_483_228_800, 2_208_988_800).map(lambda s: datetime.fromtimestamp(s, UTC))


@pytest.mark.parametrize(
    ("end", "name"),
    [
        ("2033-05-01T00:00:00+00:00", "2033-05-a"),
        ("2033-05-15T23:59:59.999999+00:00", "2033-05-a"),
        ("2033-05-16T00:00:00+00:00", "2033-05-b"),
        ("2033-05-31T23:59:59.999999+00:00", "2033-05-b"),
        ("2033-12-31T23:59:59+00:00", "2033-12-b"),
        ("2036-02-29T12:00:00+00:00", "2036-02-b"),
        ("2033-05-01T07:59:59+08:00", "2033-04-b"),
    ],
)
def test_a_window_is_half_a_month_in_utc(end: str, name: str) -> None:
    window = window_of(datetime.fromisoformat(end))
    assert window.name == name
    assert window.start <= datetime.fromisoformat(end) < window.end


def test_a_moment_without_a_zone_has_no_window() -> None:
    with pytest.raises(ValueError, match="time zone"):
        window_of(datetime.fromisoformat("2033-05-01T00:00:00"))


@given(MOMENTS)
def test_windows_leave_no_gap_and_are_never_longer_than_16_days(moment: datetime) -> None:
    window = window_of(moment)
    assert window.start <= moment < window.end
    assert timedelta(days=13) <= window.end - window.start <= timedelta(days=16)
    assert window_of(window.end).start == window.end
    assert window_of(window.end - timedelta(microseconds=1)) == window


@given(MOMENTS)
def test_no_record_is_erased_too_early_or_kept_too_long(final_at: datetime) -> None:
    """A file goes when the last promise in its window has ended: within the days allowed after the first has."""
    end = CLOCK.ends(final_at)
    assert end >= final_at.replace(year=final_at.year + 7, day=min(final_at.day, 28))
    window = window_of(end)
    schedule = CLOCK.rule.schedule
    erased_by = window.end + schedule.period.elapsed + schedule.retry_budget.elapsed
    assert erased_by <= end + CLOCK.erase_within
    assert erased_by <= window.start + CLOCK.erase_within, "even for a promise that ends as the window begins"


@given(MOMENTS, MOMENTS)
def test_a_later_refund_only_ever_extends(final_at: datetime, refunded_at: datetime) -> None:
    later = max(final_at, refunded_at)
    # 29 February is rounded up to 1 March: a family final a few hours later may end a few hours earlier.
    assert CLOCK.ends(later) >= CLOCK.ends(final_at) - DAY
    assert CLOCK.ends(later) >= later + timedelta(days=7 * 365)


def test_a_leap_day_is_rounded_up() -> None:
    ends = CLOCK.ends(datetime.fromisoformat("2028-02-29T10:00:00+08:00"))
    assert ends == datetime.fromisoformat("2035-03-01T10:00:00+08:00")
    assert CLOCK.ends(datetime.fromisoformat("2021-02-28T10:00:00+08:00")) == datetime.fromisoformat(
        "2028-02-28T10:00:00+08:00"
    )


def test_the_hot_period_is_the_policys_to_the_second() -> None:
    assert CLOCK.final_before(NOW) == NOW - timedelta(days=90)


def due(window: Window, day: datetime, rows: int, whole: bool = True) -> Due:
    return Due(whole, window, day, rows, rows, hash((window, day, rows)))


def plan(dues: list[Due], stored: list[Stored] | None = None, most: int = 100, as_of: datetime = NOW) -> Plan:
    return make_plan(CLOCK, "0" * 64, as_of, dues, Ended(0, 0, 0), stored or [], most)


WINDOWS = st.sampled_from([window_of(datetime(2033, m, d, tzinfo=UTC)) for m in (1, 2, 3) for d in (1, 20)])
DUES = st.lists(
    st.builds(
        due,
        WINDOWS,
        st.integers(0, 40).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * DAY),
        st.integers(1, 80),
        st.booleans(),
    ),
    unique_by=lambda d: (d.window.start, d.day, d.whole),
    max_size=40,
)


@settings(deadline=None)
@given(DUES)
def test_every_due_day_is_in_exactly_one_file_of_its_window(dues: list[Due]) -> None:
    files = plan(dues).files
    for part in dues:
        kind = "regular" if part.whole else "correction"
        holders = [
            f for f in files
            if f.kind == kind and f.window == part.window and f.final_from <= part.day < f.final_to
        ]  # fmt: skip
        assert len(holders) == 1
    assert sum(f.rows for f in files) == sum(d.rows for d in dues)
    for f in files:
        days = [d for d in dues if d.window == f.window and f.final_from <= d.day < f.final_to]
        assert f.rows <= 100 or len(days) == 1, "only a single day may be more than a file's share"


@settings(deadline=None)
@given(DUES, st.randoms())
def test_the_seal_depends_on_what_is_decided_and_not_on_the_order(dues: list[Due], random: object) -> None:
    shuffled = list(dues)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan(dues).sha256 == plan(shuffled).sha256
    more = [*dues, due(window_of(datetime(2034, 1, 1, tzinfo=UTC)), NOW, 1)]
    assert plan(more).sha256 != plan(dues).sha256
    assert plan(dues, as_of=NOW + SECOND).sha256 != plan(dues).sha256


def test_as_many_others_are_another_plan() -> None:
    one = due(window_of(datetime(2034, 1, 1, tzinfo=UTC)), NOW, 1)
    other = replace(one, fingerprint=one.fingerprint + 1)
    assert plan([one]).files == plan([other]).files
    assert plan([one]).sha256 != plan([other]).sha256
    ended = [make_plan(CLOCK, "0" * 64, NOW, [], Ended(1, 1, print_), [], 100) for print_ in (7, 8)]
    assert ended[0].sha256 != ended[1].sha256


@pytest.mark.parametrize("more", [0, 1])
def test_at_the_caps_and_one_record_more(more: int) -> None:
    """What is erased counts in files and in the hot table together; what is archived counts apart from it."""
    allowed = POLICY.payment_archive.model_copy(update={"max_rows": 10, "max_expired_rows": 5})
    dues = [due(window_of(datetime(2034, 1, 1, tzinfo=UTC)), NOW + n * DAY, 5 + n * more) for n in (0, 1)]
    over = ["records to archive"] * more
    assert exceeded(judge(allowed, plan(dues))) == over
    old = make_plan(CLOCK, "0" * 64, NOW, [], Ended(1, 2 + more, 0), [stored(NOW)], 100)
    assert judge(allowed, old) == {
        "records to archive": {"found": "0", "allowed": "10"},
        "records to erase": {"found": str(5 + more), "allowed": "5"},
    }
    assert exceeded(judge(allowed, old)) == ["records to erase"] * more


def stored(
    last_end: datetime, kind: str = "regular", held: tuple[str, ...] = (), abandoned: bool = False
) -> Stored:
    return Stored(uuid.uuid4(), kind, last_end, "0" * 64, 3, abandoned, held)  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "goes"), [(-1, True), (0, True), (1, False)])
def test_a_file_goes_to_the_second_and_never_before(seconds: int, goes: bool) -> None:
    file = stored(NOW + seconds * SECOND)
    assert plan([], [file]).expiring == ((file,) if goes else ())


def test_held_orders_get_files_of_their_own_before_theirs_goes() -> None:
    file, other = stored(NOW, held=("ord_b", "ord_a")), stored(NOW, held=("ord_a",))
    made = plan([], [file, other])
    assert [(f.kind, f.order_id) for f in made.files] == [("held", "ord_a"), ("held", "ord_b")]
    assert set(made.expiring) == {file, other}


def test_a_held_file_stays_until_nothing_holds_it() -> None:
    assert plan([], [stored(NOW, "held", ("ord_a",))]).expiring == ()
    free = stored(NOW, "held")
    assert plan([], [free]).expiring == (free,)


def test_what_was_abandoned_goes_in_its_time_without_being_restated() -> None:
    file = stored(NOW, held=("ord_a",), abandoned=True)
    made = plan([], [file])
    assert (made.files, made.expiring) == ((), (file,))


def test_a_policy_without_a_floor_in_years_is_refused() -> None:
    rule = POLICY.rule("photos").model_copy(update={"id": "payments"})
    broken = POLICY.model_copy(update={"retention": (rule,)})
    with pytest.raises(ValueError, match="calendar years"):
        PaymentClock(broken)
