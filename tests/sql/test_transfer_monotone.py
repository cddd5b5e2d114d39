"""Any world at all: the database judges as the judge written apart does, and taking a safeguard away never helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection  # noqa: N812 — as the package names it
from tests.transfer_world import (
    DAY,
    END,
    LISTS,
    NOTICE,
    PHOTO,
    SENT,
    SERVICE,
    START,
    VENDOR,
    Case,
    Consented,
    Mech,
    Sub,
    judged,
    reference_judge,
)

if TYPE_CHECKING:
    from tests.conftest import Studio


@pytest.fixture(scope="module")
def admin(make_studio: Callable[[], Studio]) -> Iterator[Connection]:
    connection = psycopg2.connect(make_studio().admin_url, options="-c TimeZone=UTC")
    yield connection
    connection.close()


COUNTRIES = ("DE", "FR", "CN", "JP", "US", "IN", "CA", "BR", "GB")
country = st.sampled_from(COUNTRIES)
some = st.lists(country, max_size=2, unique=True).map(tuple)
moment = st.sampled_from((START, SENT - DAY, SENT - timedelta(seconds=1), SENT, SENT + timedelta(seconds=1)))
later = st.sampled_from((SENT, SENT + timedelta(seconds=1), END, END))
# Mostly in order, so that many worlds are allowed and taking something away matters.
mostly = st.sampled_from((True, True, True, True, False))


@st.composite
def mechanisms(draw: st.DrawFn) -> Mech:
    kind = draw(st.sampled_from(("scc", "scc", "idta", "dpf", "pipl", "pipl", "adequacy")))
    countries = tuple(draw(st.lists(country, min_size=1, max_size=9, unique=True)))
    regimes = {"pipl": ("CN",), "idta": ("UK",)}.get(kind, draw(st.sampled_from((("EU",), ("EU", "UK")))))
    return Mech(
        kind,
        regimes=regimes,
        countries=("US",) if kind == "dpf" else countries,
        covered_as="commercial" if kind == "adequacy" and draw(mostly) else None,
        listing=draw(st.sampled_from(("Vendor Inc.", "Other Inc."))) if kind == "dpf" else None,
        module=draw(st.sampled_from(("c2p", "c2p", "c2p", "c2c"))) if kind == "scc" else None,
        signed=START if draw(mostly) else draw(st.none() | moment),
        assessed=START if draw(mostly) else draw(st.none() | moment),
        assessed_until=END if draw(mostly) else draw(later),
        positive=draw(mostly),
        route=draw(st.sampled_from(("exempt", "standard_contract", "certification", "security_assessment")))
        if kind == "pipl"
        else None,
        route_span=(START, None) if draw(mostly) else (draw(st.none() | moment), None),
        notice=START if draw(mostly) else draw(st.none() | moment),
    )


consents = st.builds(
    Consented,
    kind=st.sampled_from(("separate_consent", "separate_consent", "expressed_consent", "implied_consent")),
    bundled=mostly.map(lambda good: not good),
    given=moment,
    withdrawn=st.none() | later,
    recipient=st.sampled_from((VENDOR, VENDOR, "other", None)),
    notice=st.sampled_from((NOTICE, NOTICE, NOTICE, "old")),
).filter(lambda c: c.withdrawn is None or c.withdrawn >= c.given)
subs = st.builds(
    Sub,
    name=st.sampled_from(("hosting", "delivery")),
    countries=st.lists(country, min_size=1, max_size=2, unique=True).map(tuple),
    span=st.sampled_from(((START, None), (START, None), (SENT, None), (START, SENT))),
    listing=st.sampled_from((None, "Vendor Inc.")),
)


@st.composite
def worlds(draw: st.DrawFn) -> Case:
    return Case(
        origin=draw(st.sampled_from(("DE", "DE", "FR", "CN", "CN", "GB", "US", "MX", None))),
        destination=draw(country) if draw(mostly) else None,
        access=draw(some) if draw(mostly) else None,
        subs=tuple(
            draw(st.lists(st.sampled_from(("hosting", "delivery", "stranger")), max_size=2, unique=True))
        )
        if draw(mostly)
        else None,
        transport=draw(st.sampled_from(("TLSv1.3", "TLSv1.3", "TLSv1.2", "TLSv1.1", None))),
        purpose=SERVICE if draw(mostly) else "train_ai_system",
        minor=not draw(mostly),
        registered=draw(mostly),
        role=draw(st.sampled_from(("processor", "processor", "controller"))),
        contract=(START, END) if draw(mostly) else draw(st.sampled_from((None, (SENT, None), (START, SENT)))),
        storage=COUNTRIES if draw(mostly) else draw(some),
        declared_access=draw(some),
        declared_subs=tuple(draw(st.lists(subs, max_size=2, unique_by=lambda s: s.name))),
        mechanisms=tuple(draw(st.lists(mechanisms(), max_size=3))),
        security=tuple(
            (measure, START, END if draw(mostly) else SENT)
            for measure in ("tls", "encryption", "access")
            if draw(mostly)
        ),
        consents=(Consented(),) if draw(mostly) else tuple(draw(st.lists(consents, max_size=3))),
        volume_level=draw(st.sampled_from((0, 1, 1, 2))),
    )


def less_safe(draw: Callable[[st.SearchStrategy[Any]], Any], case: Case) -> Case:
    """The case with one safeguard taken away."""

    def without(name: str) -> Any:
        values = list(getattr(case, name))
        assume(values)
        values.pop(draw(st.integers(0, len(values) - 1)))
        return {name: tuple(values)}

    recognitions = [e for e in LISTS if e.name in ("adequacy", "dpf")]
    ways: list[Callable[[], dict[str, Any]]] = [
        lambda: without("consents"),
        lambda: without("mechanisms"),
        lambda: without("security"),
        lambda: without("declared_subs"),
        lambda: without("declared_access"),
        lambda: without("categories"),
        lambda: without("storage"),
        lambda: {"registered": False},
        lambda: {"contract": None},
        lambda: {"transport": None},
        lambda: {"access": None},
        lambda: {"subs": None},
        lambda: {"destination": None},
        lambda: {"minor": True},
        lambda: {"purposes": ()},
        lambda: {"volume_level": min(2, case.volume_level + 1)},
        lambda: {"lists": tuple(e for e in case.lists if e != draw(st.sampled_from(recognitions)))},
        lambda: {"mechanisms": tuple(replace(m, signed=None) for m in case.mechanisms)},
        lambda: {"mechanisms": tuple(replace(m, positive=False) for m in case.mechanisms)},
        lambda: {"mechanisms": tuple(replace(m, notice=None) for m in case.mechanisms)},
        lambda: {"consents": tuple(replace(c, bundled=True) for c in case.consents)},
        lambda: {"consents": tuple(replace(c, withdrawn=max(c.given, SENT)) for c in case.consents)},
    ]
    return case.altered(**draw(st.sampled_from(ways))())


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
MANY = settings(max_examples=150, deadline=None, suppress_health_check=QUIET)


@MANY
@given(case=worlds())
def test_the_database_agrees_with_the_judge_written_apart(admin: Connection, case: Case) -> None:
    assert judged(admin, case) == reference_judge(case)


@MANY
@given(data=st.data())
def test_taking_a_safeguard_away_never_turns_denied_into_allowed(
    admin: Connection, data: st.DataObject
) -> None:
    case = data.draw(worlds())
    worse = less_safe(data.draw, case)
    before, after = judged(admin, case)[1], judged(admin, worse)[1]
    assert after or not before, f"{before} became allowed"
    assert (before, after) == (reference_judge(case)[1], reference_judge(worse)[1])


@settings(max_examples=3000, deadline=None, suppress_health_check=QUIET)
@given(data=st.data())
def test_the_judge_written_apart_is_monotone_too(data: st.DataObject) -> None:
    case = data.draw(worlds())
    worse = less_safe(data.draw, case)
    assert reference_judge(worse)[1] or not reference_judge(case)[1]


@settings(max_examples=500, deadline=None, suppress_health_check=QUIET)
@given(case=worlds())
def test_consent_never_cures_a_missing_mechanism(case: Case) -> None:
    generous = case.altered(consents=(Consented(), Consented("expressed_consent", category=PHOTO)))
    assert set(reference_judge(case)[1]) & {"T04", "T05", "T06"} == set(reference_judge(generous)[1]) & {
        "T04",
        "T05",
        "T06",
    }
