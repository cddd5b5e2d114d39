"""Does the cost follow what is due, or what there is? The same due orders in a growing bucket and a growing table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median

from data_lifecycle.bench._ground import Ground
from data_lifecycle.bench._studio import FILES, TEMPLATE, Shape, put_files
from data_lifecycle.database import connect, fetch
from data_lifecycle.photo_purge.guarding import guard_run
from data_lifecycle.photo_purge.observing import observe_run
from data_lifecycle.photo_purge.plan import PhotoClock
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.protocol.house import House
from data_lifecycle.studio.demo import bulk

UPLOADS_PER_ORDER = 10

Size = dict[str, float]
"""What there was, and the median seconds of each measure."""


def measure(
    ground: Ground,
    shape: Shape,
    rows: Sequence[int],
    objects: Sequence[int],
    rounds: int,
    say: Callable[[str], None],
) -> list[Size]:
    """Grow the table to each of `rows` uploads and the bucket to each of `objects`, and measure at each size.

    The due orders stay the same. Nothing is erased: observing what is all still there costs at least as much as
    observing that it is gone, and can be repeated.
    """
    ground.put_store_back()
    house = ground.house_with("studio_growing", TEMPLATE)
    admin_url = ground.postgres.url("studio_growing")
    have_rows, have_objects = shape.orders * FILES, shape.orders * FILES
    found: list[Size] = []
    for number, (wanted_rows, wanted_objects) in enumerate(zip(rows, objects, strict=True)):
        say(f"growing to {wanted_rows:,} rows and {wanted_objects:,} objects")
        orders = (wanted_rows - have_rows) // UPLOADS_PER_ORDER
        if orders > 0:
            have_rows += bulk.fill(admin_url, orders, UPLOADS_PER_ORDER, 0).uploads
        missing = range(have_objects, wanted_objects)
        if missing:
            names = [f"other_{number:03d}_{n // FILES:06d}/photo-{n % FILES}.jpg" for n in missing]
            put_files(ground, ground.settings.bucket_uploads, names)
            have_objects += len(missing)
        found.append({"rows": have_rows, "objects": have_objects, **_at_this_size(house, rounds)})
    return found


def _at_this_size(house: House, rounds: int) -> Size:
    seconds: dict[str, list[float]] = {"selection": [], "plan": [], "guard": [], "observe": []}
    _selection(house)  # the first reads fill the caches of a table that has just been written
    for number in range(rounds):
        begun = time.perf_counter()
        _selection(house)
        selected = time.perf_counter()
        run_id = plan_run(house, f"growth {number}", datetime.now(UTC), None, dry_run=False)
        planned = time.perf_counter()
        guard_run(house, run_id)
        released = time.perf_counter()
        observe_run(house, run_id)
        observed = time.perf_counter()
        seconds["selection"].append(selected - begun)
        seconds["plan"].append(planned - selected)
        seconds["guard"].append(released - planned)
        seconds["observe"].append(observed - released)
    return {name: median(values) for name, values in seconds.items()}


def _selection(house: House) -> None:
    """The statements that pick what is due, as the plan binds them."""
    now = datetime.now(UTC)
    policy = policy_in_force(load_all(house.settings.policy_dir), now)
    start = PhotoClock(policy).earliest_start
    with connect(house.connections.database("studio_reader"), "bench selection") as connection:
        due = fetch(
            connection,
            "photo_purge/select_due_orders",
            terminal_before=now - start,
            inactive_before=now - start - policy.inactivity,
            requested_before=now,
        )
        fetch(connection, "photo_purge/select_uploads", order_ids=[row["order_id"] for row in due])
