"""The demo studio, decided from a seed: the same seed, number of orders and moment give the same studio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from data_lifecycle.policy.clock import require_aware
from data_lifecycle.studio.demo import dealings, files, people, transfers
from data_lifecycle.studio.demo.model import (
    Consent,
    Customer,
    DemoStudio,
    Disclosure,
    Event,
    Hold,
    KeyHistory,
    Order,
    Payment,
    Upload,
)
from data_lifecycle.studio.demo.scenarios import Fate, Scenario, cast
from data_lifecycle.studio.demo.timeline import DAY, Timeline, between, draw

FIRST_NUMBER = 1000
"""Orders are numbered from here, or from a power of ten above their number: all ids are then of equal length."""

# An order of the first scenario shares a file with one of the second, which belongs to the same customer.
_SHARING: dict[str, tuple[str, Fate]] = {
    "shared_with_open": ("sharing_open", "keep"),
    "shared_due_owner": ("shared_due_user", "erase"),
}
_SERVICES = ("anime portrait", "game character", "figurine design", "chibi set", "comic hero", "avatar pack")
_WISHES = (
    "Bitte mit Brille, ohne Bart.\nHintergrund: Wald",
    "蓝色头发，古风，背景要有竹林",
    "As a space pilot; keep the scar on the left cheek & smile",
    "アニメ風、笑顔で",
    "Estilo realista, com chapéu — sem óculos",
    "أسلوب كرتوني بألوان دافئة",
)


@dataclass(frozen=True, slots=True)
class _Draft:
    scenario: Scenario
    instance: int
    timeline: Timeline

    @property
    def case(self) -> tuple[str, int]:
        return self.scenario.name, self.instance


def build(seed: int, orders: int, now: datetime) -> DemoStudio:
    """A studio of `orders` orders whose history ends at `now`.

    ValueError for a `now` without time zone, or fewer orders than there are scenarios to show.
    """
    now = require_aware(now, "now").replace(microsecond=0)
    drafts = [
        _Draft(scenario, instance, draw(Random(f"{seed}:time:{scenario.name}:{instance}"), scenario, now))
        for scenario, instance in cast(orders)
    ]
    drafts.sort(key=lambda d: (d.timeline.created_at, d.case))
    ids = _ids(drafts)
    customers = _customers(seed, drafts)

    rows: list[Order] = []
    events: list[Event] = []
    uploads: list[Upload] = []
    contents: list[KeyHistory] = []
    charges: list[Payment] = []
    sent: list[Disclosure] = []
    holds: list[Hold] = []
    for draft in drafts:
        order_id, customer = ids[draft.case], customers[draft.case]
        random = Random(f"{seed}:order:{draft.scenario.name}:{draft.instance}")
        line = draft.timeline
        order = Order(
            order_id,
            customer.customer_id,
            draft.scenario.name,
            random.choice(_SERVICES),
            random.choice(_WISHES),
            line.created_at,
            line.erase_requested_at,
            line.ended_at,
        )
        own = [Event(order_id, moment.kind, moment.occurred_at, moment.recorded_at) for moment in line.events]
        made = files.make(random, draft.scenario, order_id, line.created_at, customer.time_zone)
        if draft.scenario.name in _SHARING:
            partner, fate = _SHARING[draft.scenario.name]
            made = files.shared(made, ids[partner, draft.instance], fate)
        paid = list(dealings.payments(random, order, customer, own, now))
        held = dealings.hold(random, draft.scenario.name, made.uploads, now)
        rows.append(order)
        events += own
        uploads += made.uploads
        contents += made.contents
        charges += paid
        sent += transfers.disclosures(random, order, customer, paid, made.uploads, draft.scenario.fate, now)
        holds += [held] if held else []
    charges = dealings.troubled(Random(f"{seed}:troubles"), charges, now)
    contents += files.orphans(Random(f"{seed}:orphans"), ids["due", 0], now)

    people_ = tuple(sorted(set(customers.values()), key=lambda c: (c.created_at, c.customer_id)))
    owners = {ids[draft.case]: customers[draft.case] for draft in drafts}
    agreed: list[Consent] = []
    for customer in people_:
        own_sent = [d for d in sent if owners[d.order_id] is customer]
        agreed += transfers.consents(Random(f"{seed}:consent:{customer.customer_id}"), customer, own_sent)
    due = frozenset(ids[draft.case] for draft in drafts if draft.scenario.fate == "erase")
    extra_sent, extra_agreed = transfers.violations(Random(f"{seed}:violations"), sent, owners, due, now)
    sent += extra_sent
    agreed += extra_agreed
    return DemoStudio(
        seed, now, people_, tuple(rows), tuple(events), tuple(uploads), _grouped(contents), tuple(charges), tuple(sent),
        tuple(agreed), tuple(holds),
    )  # fmt: skip


def _ids(drafts: list[_Draft]) -> dict[tuple[str, int], str]:
    """Ids in order of creation, but for neighbours: made from a due order's id so that careless matching mixes them."""
    first = max(FIRST_NUMBER, 10 ** len(str(len(drafts))))
    ids = {draft.case: f"ord_{first + n}" for n, draft in enumerate(drafts)}
    for name, instance in list(ids):
        if name == "neighbour_due":
            due = ids[name, instance]
            ids["neighbour_longer", instance] = due + "3"
            ids["neighbour_alike", instance] = due.replace("_", "-")
    return ids


def _customers(seed: int, drafts: list[_Draft]) -> dict[tuple[str, int], Customer]:
    """Who placed each order: three in ten come from somebody who ordered before."""
    random = Random(f"{seed}:customers")
    shared_by = {partner: owner for owner, (partner, _) in _SHARING.items()}
    created = {draft.case: draft.timeline.created_at for draft in drafts}
    found: dict[tuple[str, int], Customer] = {}
    returning: list[Customer] = []
    # Files of a minor would be due at once; the one minor here is known from an order without files.
    for draft in sorted(drafts, key=lambda d: (d.scenario.name in shared_by, d.timeline.created_at, d.case)):
        name, instance = draft.case
        owner = found.get((shared_by[name], instance)) if name in shared_by else None
        if owner is not None:
            found[draft.case] = owner
            continue
        minor = draft.case == ("archived", 0)
        partner = (_SHARING[name][0], instance) if name in _SHARING else draft.case
        first = min(created[draft.case], created[partner])
        known = [c for c in returning[-20:] if c.created_at < first]
        if known and not minor and random.random() < 0.3:
            found[draft.case] = random.choice(known)
            continue
        who = people.invent(random, len(found) + 1)
        since = first - between(random, DAY, 60 * DAY)
        customer = Customer(
            who.customer_id, who.name, who.email, who.origin.country, who.origin.time_zone, minor, since
        )
        found[draft.case] = customer
        if not minor:
            returning.append(customer)
    return found


def _grouped(contents: list[KeyHistory]) -> tuple[KeyHistory, ...]:
    """One history per bucket and key, so that keys can be written side by side and each stays in order."""
    merged: dict[tuple[str, str], KeyHistory] = {}
    for history in contents:
        at = (history.place, history.key)
        before = merged[at].steps if at in merged else ()
        merged[at] = KeyHistory(history.place, history.key, before + history.steps, history.fate)
    return tuple(merged.values())
