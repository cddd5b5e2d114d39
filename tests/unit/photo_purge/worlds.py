"""Small random studios, and what the purge must do to each entry of their store, worked out the obvious way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from hypothesis import strategies as st
from tests.policies import version

from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.photo_purge.plan import Order, PhotoClock, Plan, Upload, make_plan
from data_lifecycle.policy.duration import Duration
from data_lifecycle.policy.loader import load_policy
from data_lifecycle.policy.model import Policy

POLICY = load_policy(Path(__file__).parents[3] / "include" / "policy" / "xmanart-privacy-2024-08-08.yaml")
AS_OF = datetime(2026, 6, 10, 2, tzinfo=UTC)
BUCKETS = ("studio-uploads", "studio-backup")
# Beginnings of each other, and alike under LIKE, upper case and Unicode.
IDS = ("ord_1", "ord_12", "ord_123", "ord-1", "ORD_1", "ord_2")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
ONE_PERIOD = POLICY


def with_later_styles() -> Policy:
    """The policy, but style references may stay until day 12 and go from day 9 on."""
    rule = POLICY.rule("style_references")
    later = rule.model_copy(
        update={
            "period": Duration(days=12),
            "boundary": rule.boundary.model_copy(update={"start_at": Duration(days=9)}),
        }
    )
    rules = tuple(later if r.id == rule.id else r for r in POLICY.retention)
    return POLICY.model_copy(update={"retention": rules})


TWO_PERIODS = with_later_styles()


def with_periods(days: int, begins: date, pause: str | None = None) -> Policy:
    """A later version: both kinds of files for so many days, erasing from two days before on."""
    made = version(days, (begins - POLICY.header.effective_from).days, pause)
    assert made.header.effective_from == begins
    return made


SHORTER = with_periods(5, date(2026, 6, 1), "P3D")
COOLING = with_periods(5, date(2026, 6, 8), "P3D")
LONGER = with_periods(14, date(2026, 6, 5))


@dataclass(frozen=True)
class File:
    """A recorded file: which orders link it, and what it was made from."""

    number: int
    category: str
    bucket: str
    key: str
    links: frozenset[str]
    derived_from: int | None
    held: bool
    given: datetime | None = None


@dataclass(frozen=True)
class World:
    """Orders by id with whether files of them are believed to exist, files, and everything in the store."""

    policy: Policy = field(repr=False)
    orders: dict[str, tuple[Order, bool]]
    files: tuple[File, ...]
    entries: tuple[ObjectVersion, ...]
    unlisted: frozenset[str] = field(default=frozenset())
    later: Policy | None = field(default=None, repr=False)

    def collected(self, file: File) -> datetime | None:
        """When the oldest of the file and what it was made from was given; None where one is of unknown age."""
        given = [f.given for f in self.lineage(file)]
        known = [moment for moment in given if moment is not None]
        return min(known) if len(known) == len(given) else None

    def lineage(self, file: File) -> list[File]:
        """The file and everything it was made from."""
        found = [file]
        while found[-1].derived_from is not None:
            found.append(self.files[found[-1].derived_from])
        return found

    def users(self, file: File) -> set[str]:
        """Orders that use the file or something it was made from."""
        return set().union(*(f.links for f in self.lineage(file)))

    def held(self, file: File) -> bool:
        """Whether the file, or what it was made from, is under a hold."""
        return any(f.held for f in self.lineage(file))

    def family(self, order_id: str) -> list[File]:
        """Files the order links, and those made from them."""
        return [f for f in self.files if order_id in self.users(f)]

    def present(self, order_id: str) -> bool:
        """Whether the order still needs its files."""
        return self.orders[order_id][1]


def ends(world: World, order_id: str) -> datetime:
    """When the order ended, or will have by being left alone."""
    order = world.orders[order_id][0]
    return order.terminal_at or order.last_activity_at + timedelta(days=30)


def start_days(world: World, category: str, collected: datetime | None) -> int:
    """Day after its end from which a file of an order may go at AS_OF, read straight from the policies' words."""
    days = 9 if world.policy is TWO_PERIODS and category == "style_reference" else 5
    if world.later is None:
        return days
    under_it = collected is not None and collected >= world.later.in_force_from
    if world.later is LONGER:
        return 12 if under_it else days
    # Shorter reaches everything once it has cooled off, and what was given under it at once.
    return 3 if under_it or world.later is SHORTER else days


def is_due(world: World, order_id: str, category: str, collected: datetime | None) -> bool:
    """Whether such files of the order may be erased at AS_OF."""
    if not world.present(order_id):
        return False
    if requested(world, order_id):
        return True
    return ends(world, order_id) + timedelta(days=start_days(world, category, collected)) <= AS_OF


def file_due(world: World, order_id: str, file: File) -> bool:
    """Whether this file may be erased at AS_OF as far as the order is concerned."""
    return is_due(world, order_id, file.category, world.collected(file))


def stray_due(world: World, order_id: str) -> bool:
    """Whether what nobody recorded may be: as the stricter kind, and as old as the order."""
    return is_due(world, order_id, "personal_photo", world.orders[order_id][0].created_at)


def requested(world: World, order_id: str) -> bool:
    """Whether the person has asked for the files of the order."""
    asked = world.orders[order_id][0].erase_requested_at
    return asked is not None and asked <= AS_OF


def due_orders(world: World) -> set[str]:
    """Orders of which at least one file, or a stray if there is one, is due."""
    return {
        o for o in world.orders if stray_due(world, o) or any(file_due(world, o, f) for f in world.family(o))
    }


def strays(world: World, order_id: str) -> bool:
    """Whether anything lies in the order's folder that no row knows."""
    known = {f.key for f in world.files}
    return any(e.key.startswith(f"orders/{order_id}/") and e.key not in known for e in world.entries)


def cases(world: World) -> set[str]:
    """Orders to work on: not those of which everything that is there is still to come."""
    return {
        o
        for o in due_orders(world) - left_out(world)
        if requested(world, o)
        or any(file_due(world, o, f) for f in world.family(o))
        or (stray_due(world, o) and strays(world, o))
        or not (world.family(o) or strays(world, o))
    }


def left_out(world: World) -> set[str]:
    """Due orders with a folder, their own or one of their files', that could not be listed."""
    return {
        o
        for o in due_orders(world)
        if {f"orders/{o}/"} & world.unlisted or {place(f.key) for f in world.family(o)} & world.unlisted
    }


def place(key: str) -> str:
    """The folder of a key."""
    return "/".join(key.split("/")[:2]) + "/"


def expected(world: World) -> dict[tuple[str, str, str, str], str]:
    """What must happen to each entry: erase, hold or keep; entries that are nobody's business are not in it."""
    working = due_orders(world) - left_out(world)
    files = {f.key: f for f in world.files}
    fate: dict[tuple[str, str, str, str], str] = {}
    for entry in world.entries:
        file, home = files.get(entry.key), entry.key.split("/")[1]
        if file is not None:
            owners = world.users(file) & due_orders(world)
            if not owners or last_owner(world, owners) not in cases(world):
                continue
            needed_by = {o for o in world.users(file) if world.present(o)}
            if world.held(file):
                fate[entry.identity] = "hold"
            elif any(requested(world, o) for o in owners) or (
                all(file_due(world, o, file) for o in needed_by) and needed_by <= working
            ):
                fate[entry.identity] = "erase"
            else:
                fate[entry.identity] = "keep"
        elif home in cases(world) and entry.key.startswith(f"orders/{home}/"):
            gone = "erase" if stray_due(world, home) else "keep"
            fate[entry.identity] = "hold" if any(world.held(f) for f in world.family(home)) else gone
    return fate


def last_owner(world: World, owners: set[str]) -> str:
    """The order that ended last: a shared file goes with it, unless a person asked for it through another."""

    def anchor(order_id: str) -> datetime:
        order = world.orders[order_id][0]
        asked = order.erase_requested_at
        return asked if asked is not None and requested(world, order_id) else ends(world, order_id)

    return max({o for o in owners if requested(world, o)} or owners, key=lambda o: (anchor(o), o))


def plan_of(world: World, backwards: bool = False) -> Plan:
    """Ask the product, with the inputs that the database and the store would give it."""
    clock = PhotoClock(world.policy, *([world.later] if world.later else []))
    turn = -1 if backwards else 1
    present = [order for order, there in list(world.orders.values())[::turn] if there]
    views = [
        Upload(
            order.order_id,
            UUID(int=file.number + 1),
            file.category,
            file.bucket,
            file.key,
            file.derived_from is not None,
            frozenset({o for o in world.users(file) if world.present(o)} | {order.order_id}),
            world.held(file),
            world.collected(file),
        )
        for file in world.files[::turn]
        for order in present
        if order.order_id in world.users(file)
    ]
    due = [
        case
        for order in present
        if (case := clock.due(order, AS_OF, [v for v in views if v.order_id == order.order_id])) is not None
    ]
    ids = {case.order_id for case in due}
    views = [view for view in views if view.order_id in ids]
    folders = {f"orders/{o}/" for o in ids} | {place(v.key) for v in views}
    listed = {
        f: [e for e in world.entries[::turn] if e.key.startswith(f)]
        for f in sorted(folders - world.unlisted)[::turn]
    }
    elsewhere = {f.key for f in world.files} - {v.key for v in views}
    return make_plan(clock, world.policy.sha256, AS_OF, due, views, listed, elsewhere, BUCKETS)


def moments(*days: float) -> st.SearchStrategy[datetime]:
    """Moments so many days before AS_OF, on the second, and a second to either side."""
    return st.builds(
        lambda age, shift: AS_OF - timedelta(days=age) + shift * SECOND,
        st.sampled_from(days),
        st.sampled_from((-1, 0, 1)),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A handful of orders and files in every relation that the schema allows."""
    policy, later = draw(
        st.sampled_from(
            (
                (ONE_PERIOD, None),
                (TWO_PERIODS, None),
                *((ONE_PERIOD, new) for new in (SHORTER, COOLING, LONGER)),
            )
        )
    )
    ages = st.none() | moments(1, 4, 7, 20)
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=5, unique=True))
    orders = {
        order_id: (
            Order(
                order_id,
                draw(st.none() | moments(0.5, 3, 4, 5, 6, 8, 9, 12, 20)),
                draw(moments(0.5, 33, 35, 36)),
                draw(st.none() | moments(-0.5, 0, 0.3, 2)),
                draw(ages),
            ),
            draw(st.sampled_from((True, True, True, False))),
        )
        for order_id in ids
    }
    files: list[File] = []
    for number in range(draw(st.integers(0, 6))):
        parent = draw(st.none() | st.integers(0, number - 1)) if number else None
        folder = draw(st.sampled_from(ids))
        files.append(
            File(
                number,
                draw(st.sampled_from(("personal_photo", "style_reference"))),
                BUCKETS[0],
                f"orders/{folder}/{draw(st.sampled_from(('a b', 'é', 'x/y')))}-{number}",
                draw(
                    st.frozensets(st.sampled_from(ids), min_size=0 if parent is not None else 1, max_size=3)
                ),
                parent,
                draw(st.sampled_from((False, False, False, True))),
                draw(ages),
            )
        )
    # A stray whose key begins like a recorded one is still a stray.
    names = [f"orders/{i}/stray" for i in ids] + [f"{f.key}~" for f in files]
    strays = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    entries = [
        ObjectVersion(bucket, key, kind, f"v{n}-{bucket}", 10 * n, AS_OF, n == 0)
        for key in [*(f.key for f in files), *strays, f"orders/{ids[0]}3/near", f"orders/{ids[0]}.jpg"]
        for bucket in BUCKETS
        for n, kind in enumerate(
            draw(st.lists(st.sampled_from(("version", "marker", "multipart")), max_size=2))
        )
    ]
    unlisted = draw(st.frozensets(st.sampled_from([f"orders/{i}/" for i in ids]), max_size=1))
    return World(policy, orders, tuple(files), tuple(entries), unlisted, later)
