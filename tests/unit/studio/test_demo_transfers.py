"""The demo's disclosures: believable, the same for the same seed, and with a violation of every rule."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data_lifecycle.policy.loader import REGISTER, load_all
from data_lifecycle.studio.demo.build import build
from data_lifecycle.studio.demo.transfers import ROUTES
from data_lifecycle.vendors.register import load_register

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FOLDER = Path(__file__).resolve().parents[3] / "include" / "policy"
RULES = {f"T{n:02d}" for n in range(1, 12)}


@pytest.mark.parametrize("seed", range(6))
def test_every_rule_is_broken_and_most_disclosures_are_allowed(seed: int) -> None:
    sent = build(seed, 60, NOW).disclosures
    broken = Counter(rule for d in sent for rule in d.broken)
    assert set(broken) == RULES
    assert sum(not d.broken for d in sent) > 0.85 * len(sent)
    assert len({d.disclosure_id for d in sent}) == len(sent)
    assert all(d.sent_at <= NOW for d in sent)


def test_the_same_seed_sends_the_same() -> None:
    assert build(3, 60, NOW).disclosures == build(3, 60, NOW).disclosures
    assert build(3, 60, NOW).consents == build(3, 60, NOW).consents
    assert build(3, 60, NOW).disclosures != build(4, 60, NOW).disclosures


def test_the_routes_are_those_of_the_register_but_for_the_one_that_is_in_none() -> None:
    register = load_register(FOLDER / REGISTER, load_all(FOLDER)[-1])
    for name, route in ROUTES.items():
        vendor = register.vendor(name)
        if name == "sketchfast":
            assert vendor is None
            continue
        assert vendor is not None
        contract = vendor.contracts[-1]
        assert route.country in contract.storage_countries
        assert set(route.access) <= {*contract.storage_countries, *contract.access_countries}
        assert set(route.sub_processors) == {sub.name for sub in contract.sub_processors}


def test_nobody_consented_twice_and_nothing_is_withdrawn_before_it_was_given() -> None:
    studio = build(1, 60, NOW)
    for consent in studio.consents:
        assert consent.withdrawn_at is None or consent.withdrawn_at >= consent.given_at
    named = Counter(
        (c.pii_principal_id, c.recipient_third_party, c.pii_type, c.purpose) for c in studio.consents
    )
    assert set(named.values()) == {1}
