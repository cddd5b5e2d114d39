"""Random histories of a studio beside a model of the policy: never a wrong deletion, never a missed one that was
possible, never a false claim, never a second claim.

``SEED=$RANDOM HISTORIES=40 pytest tests/faults/test_purge_histories.py`` plays others, and more; ``LENGTH=…`` only
their beginning.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.faults.purge_model import TERMINAL
from tests.faults.purge_world import DAY, STEPS, Run, World

from data_lifecycle.protocol.asking import Word
from data_lifecycle.protocol.house import PromiseBroken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.workshop import Workshop

HISTORIES = int(os.environ.get("HISTORIES", "8"))
LENGTH = int(os.environ.get("LENGTH", "260"))
FIRST = int(os.environ.get("SEED", "2024"))
HOUR = timedelta(hours=1)
ORDERS, FILES = 12, 25


class History:
    """What customers, the studio, its lawyers, its engineers and bad luck do, in any order."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)
        self.told: list[str] = []
        weights = {
            self.order: 3,
            self.upload: 5,
            self.ask: 1,
            self.event: 14,
            self.share: 3,
            self.come_back: 1,
            self.hold: 3,
            self.release: 3,
            self.wait: 10,
            self.decide: 2,
            self.daily_run: 3,
            self.daily_run_with_crashes: 2,
            self.backfill: 1,
            self.dry_run: 1,
            self.begin_run: 3,
            self.go_on: 6,
            self.clear: 2,
            self.answer: 3,
            self.switch: 1,
        }
        self.acts, self.weights = list(weights), list(weights.values())

    def play(self, length: int) -> None:
        """So many steps, then a last whole run, and the reviewer's look at all that was stated."""
        for _ in range(length):
            (act,) = self.dice.choices(self.acts, self.weights)
            self.told.append(act.__name__)
            self.world.steps += 1
            act()
        self.told.append("end")
        self.world.pause(False)
        self.world.whole()
        self.world.verified()

    def tell(self, *what: object) -> None:
        self.told[-1] += " " + " ".join(map(str, what))

    def some_order(self) -> str:
        name = self.dice.choice(list(self.world.orders))
        self.tell(name)
        return name

    def some_key(self) -> str:
        key = self.dice.choice(list(self.world.model.files))
        self.tell(key)
        return key

    # customers -------------------------------------------------------------------------------------------------------

    def order(self) -> None:
        if len(self.world.orders) < ORDERS:
            self.tell(self.world.begin(self.dice.randrange(3)))

    def upload(self) -> None:
        if len(self.world.model.files) < FILES:
            self.world.upload(self.some_order(), self.dice.randint(1, 3))

    def ask(self) -> None:
        self.world.ask(self.some_order())

    # the studio ------------------------------------------------------------------------------------------------------

    def event(self) -> None:
        kind = self.dice.choice([*TERMINAL, "completed", "completed", "reopened", "message"])
        self.tell(kind)
        self.world.happen(self.some_order(), kind)

    def share(self) -> None:
        """Another order uses a file that is still there."""
        key, name = self.some_key(), self.some_order()
        orders = self.world.model.files[key].orders
        if key in self.world.present() and self.world.orders[name] not in orders:
            self.world.share(key, name)

    def come_back(self) -> None:
        self.world.come_back(self.some_key())

    # lawyers ---------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        keys = frozenset(self.some_key() for _ in range(self.dice.randint(1, 2)))
        self.world.hold(keys, self.dice.choice([1, 4, 20]) * DAY)

    def release(self) -> None:
        held = [h for h in self.world.model.holds if h.released is None]
        if held:
            self.world.release(self.dice.choice(held))

    def decide(self) -> None:
        """The policy changes."""
        days, ahead, pause = (
            self.dice.choice([4, 5, 6, 9, 14]),
            self.dice.randint(1, 4),
            self.dice.choice([1, 3]),
        )
        self.tell(days, ahead, pause, self.world.decide(days, ahead, pause))

    # time ------------------------------------------------------------------------------------------------------------

    def wait(self) -> None:
        hours = self.dice.choice([1, 7, 25, 25, 49, 121, 169, 800])
        self.tell(hours)
        self.world.pass_time(hours * HOUR + timedelta(minutes=3))

    # engineers -------------------------------------------------------------------------------------------------------

    def daily_run(self) -> None:
        self.world.whole()

    def daily_run_with_crashes(self) -> None:
        crash = self.dice.randint(1, 30)
        self.tell(crash)
        self.world.whole(crash)

    def backfill(self) -> None:
        days = self.dice.randrange(10)
        self.tell(days)
        self.world.whole(as_of=self.world.now - days * DAY - HOUR)

    def dry_run(self) -> None:
        self.world.plan(dry_run=True)

    def begin_run(self) -> None:
        self.world.plan(crash=self.dice.choice([None, self.dice.randint(1, 20)]))

    def some_run(self) -> Run | None:
        """A run of late, or seldom an old one."""
        runs = self.world.runs
        return self.dice.choice([*runs, *runs[-2:] * 5]) if runs else None

    def go_on(self) -> None:
        """Some run goes on for some steps; the last of them may end midway."""
        run = self.some_run()
        if run is not None:
            waiting = [name for name in STEPS if name not in run.done][: self.dice.randint(1, 7)]
            self.tell(run.run_id, *waiting)
            for name in waiting:
                crash = self.dice.choice([None, self.dice.randint(1, 12)])
                self.world.step(run, name, crash if name == waiting[-1] else None)

    def answer(self) -> None:
        """Somebody answers a run that waits: rightly, as the engineer who started it, for another plan, or with no."""
        waiting = [r for r in self.world.runs if r.over and not r.released and not r.stale]
        if waiting:
            run = self.dice.choice(waiting)
            word: Word = self.dice.choice(["approved", "approved", "approved", "rejected", "timed_out"])
            by = self.dice.choice(["reviewer", "reviewer", "engineer", "stranger"])
            manifest = self.dice.choice([None, None, "0" * 64])
            self.tell(run.run_id, word, by, manifest)
            with suppress(PromiseBroken):
                self.world.answer(run, word, by, manifest)

    def switch(self) -> None:
        """Everything that deletes is paused, or goes on."""
        self.world.pause(not self.world.paused)

    def clear(self) -> None:
        """Somebody clears a task of some run: it is done again, out of turn."""
        run = self.some_run()
        if run is not None and run.done:
            name = self.dice.choice(run.done)
            self.tell(run.run_id, name)
            self.world.step(run, name)


@pytest.mark.parametrize("number", range(HISTORIES))
def test_random_history(shop: Workshop, tmp_path: Path, number: int) -> None:
    seed = FIRST + number
    print(f"SEED={seed} HISTORIES=1 plays this again")
    world = World(shop, tmp_path)
    for files in (1, 2, 1):
        world.begin(files)
    history = History(world, seed)
    try:
        history.play(LENGTH)
    except BaseException:
        print(*history.told, sep="\n")
        raise
    print(f"SEED={seed}: {world.steps} steps agree with the model")
