"""Random histories of payments beside a tiny model that knows only the policy: hot, archived or gone, to the cent.

``HISTORIES=50 pytest tests/integration/test_payment_histories.py`` plays more of them; the seed is in the test's name.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.payment_fixtures import STEPS, Paid, Till

DAY = timedelta(days=1)
HOT = 90 * DAY
HISTORIES = int(os.environ.get("HISTORIES", "3"))


@dataclass
class Record:
    """One row: when it was made, when settled (None: not yet)."""

    paid: Paid
    made: datetime
    settled: datetime | None


@dataclass
class Family:
    """A charge with what followed, as the policy sees it."""

    records: list[Record]
    customer: str
    archived: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    @property
    def final_at(self) -> datetime | None:
        moments = [moment for r in self.records for moment in (r.made, r.settled)]
        return None if None in moments else max(m for m in moments if m is not None)

    def judge(self, as_of: datetime) -> None:
        """What a run as of then does: ended and never archived → gone; final for long enough → archived, whole."""
        final = self.final_at
        if final is None or final + HOT > as_of:
            return
        ids = {r.paid.payment_id for r in self.records}
        if not self.archived and final.replace(year=final.year + 7) + DAY < as_of:
            self.gone |= ids
        else:
            self.archived |= ids


class World:
    """Plays a history on the real servers and in the model."""

    def __init__(self, till: Till, seed: int) -> None:
        self.till, self.dice = till, random.Random(seed)
        self.families: list[Family] = []
        self.forgotten: set[str] = set()
        self.now = datetime.now(UTC) - 800 * DAY  # the policy is in force since then
        self.runs = 0

    def moment(self, since: datetime) -> datetime:
        """Some moment after ``since``, not after now."""
        span = (self.now - since).total_seconds()
        return since + timedelta(seconds=self.dice.uniform(0, span))

    def add(self, before: datetime, of: Family | None = None) -> None:
        made = self.moment(before)
        settled = made + self.dice.choice([timedelta(0), 2 * DAY, timedelta(hours=5)])
        late = settled > self.now or self.dice.random() < 0.15
        amount = str(Decimal(self.dice.randint(1, 10**7)) / 10**4)
        kind = None if of is None else self.dice.choice(["refund", "dispute"])
        customer = of.customer if of else self.till.customer()
        paid = self.till.pay(
            made,
            of=of.records[0].paid if of else None,
            order_id=None if of else self.till.order(customer),
            kind=kind,
            amount=amount,
            currency=self.dice.choice(["EUR", "JPY", "CNY"]) if of is None else "EUR",
            settled=None if late else settled - made,
            # Letters only: digits at random are a card's number now and then, and such a family stays hot.
            ref="ch_" + "".join(self.dice.choices("abcdefghijk", k=24)),
        )
        record = Record(paid, made, None if late else settled)
        if of is None:
            self.families.append(Family([record], customer))
        else:
            of.records.append(record)

    def settle(self) -> None:
        for family in self.families:
            for record in family.records:
                if record.settled is None and self.dice.random() < 0.5:
                    record.settled = self.now
                    self.till.sql(
                        "UPDATE studio.payments SET settled_at = %s WHERE payment_id = %s",
                        self.now,
                        record.paid.payment_id,
                    )

    def forget(self) -> None:
        customer = self.dice.choice(self.families).customer
        self.forgotten.add(customer)
        self.till.sql(
            "UPDATE studio.customers SET erase_requested_at = coalesce(erase_requested_at, %s) WHERE customer_id = %s",
            self.now,
            customer,
        )

    def run(self, as_of: datetime | None) -> None:
        """A run; sometimes one before it ends somewhere in the middle."""
        if self.dice.random() < 0.4:
            self.runs += 1
            run_id = self.till.plan(f"cut-{self.runs}", as_of)
            for step in STEPS[1 : self.dice.randint(1, len(STEPS) - 3)]:
                self.till.step(step, run_id)
        self.runs += 1
        assert self.till.run(f"run-{self.runs}", as_of) == "verified"
        for family in self.families:
            family.judge(as_of or datetime.now(UTC))

    def check(self) -> None:
        """The servers and the model agree, record by record and to the cent."""
        every = {r.paid.payment_id: r.paid for f in self.families for r in f.records}
        archived = {i for f in self.families for i in f.archived}
        gone = {i for f in self.families for i in f.gone}
        assert self.till.hot() == set(every) - archived - gone
        records = self.till.records()
        assert set(records) == archived
        assert {i: r["amount"] for i, r in records.items()} == {i: every[i].amount for i in archived}
        assert self.till.balanced()
        (books,) = self.till.sql(
            "SELECT sum(arrived_rows)::int AS arrived, sum(hot_rows)::int AS hot, sum(archived_rows)::int AS archived,"
            " sum(expired_rows)::int AS expired, sum(archived_amount) AS money FROM lifecycle.payment_books"
        )
        hot = len(every) - len(archived) - len(gone)
        assert (books["arrived"], books["hot"], books["archived"], books["expired"]) == (
            len(every),
            hot,
            len(archived),
            len(gone),
        )
        assert books["money"] == sum((every[i].amount for i in archived), Decimal(0))
        named = self.till.sql(
            "SELECT count(*) AS n FROM studio.payments p JOIN studio.orders USING (order_id)"
            " WHERE customer_id = ANY (%s::uuid[]) AND payer_name IS NOT NULL",
            sorted(self.forgotten),
        )
        assert named[0]["n"] == 0


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_history_ends_as_the_policy_says(till: Till, seed: int) -> None:
    world = World(till, seed)
    for _ in range(5):
        before = world.now
        world.now += world.dice.randint(20, 155) * DAY
        for _ in range(world.dice.randint(1, 4)):
            world.add(before)
        for family in world.dice.sample(world.families, k=min(2, len(world.families))):
            world.add(before, family)
        world.settle()
        if world.dice.random() < 0.4:
            world.forget()
        world.run(world.now)
        world.check()
    # Now: what ended long ago and was never archived goes at once, and nothing else does.
    world.now = datetime.now(UTC)
    ended = world.till.pay(datetime.now(UTC) - 2600 * DAY, amount="9.9900", ref="ch_ended")
    made = datetime.now(UTC) - 2600 * DAY
    world.families.append(Family([Record(ended, made, made)], "nobody"))
    world.run(None)
    world.check()
    assert world.till.verify().exit_code == 0
