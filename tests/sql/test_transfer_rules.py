"""Every rule T01 to T11: kept, broken, and at the second at which something begins or ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 — as the package names it
from tests.transfer_world import (
    DAY,
    DPF,
    END,
    LISTS,
    NOTICE,
    PIPL,
    SCC,
    SECOND,
    SENT,
    START,
    Case,
    Consented,
    Listed,
    Mech,
    Sub,
    judge_all,
    judged,
    reference_judge,
)

if TYPE_CHECKING:
    from tests.conftest import Studio

GOOD = Case()
TO_US = GOOD.altered(destination="US")
TO_INDIA = GOOD.altered(destination="IN")
CHINESE = GOOD.altered(origin="CN", destination="US", mechanisms=(PIPL,))
AT_HOME = GOOD.altered(destination="DE")
SCC_IN = replace(SCC, countries=("IN",))
JUST_OVER = (START, SENT)
JUST_BEGUN = (SENT, None)


@pytest.fixture(scope="module")
def admin(make_studio: Callable[[], Studio]) -> Iterator[Connection]:
    connection = psycopg2.connect(make_studio().admin_url, options="-c TimeZone=UTC")
    yield connection
    connection.close()


def lists(*changed: Listed, without: tuple[str, str] | None = None) -> tuple[Listed, ...]:
    """The usual lists, an entry replaced or left out: (name, code)."""
    gone = {(e.name, e.code) for e in changed} | {without}
    return (*(e for e in LISTS if (e.name, e.code) not in gone), *changed)


TABLE: dict[str, tuple[Case, str]] = {
    "all in order": (GOOD, ""),
    "T01 destination unknown": (GOOD.altered(destination=None), "T01"),
    "T01 access unknown": (GOOD.altered(access=None), "T01"),
    "T01 sub-processors unknown": (GOOD.altered(subs=None), "T01"),
    "T01 access known, from elsewhere, covered": (GOOD.altered(access=("IN",), mechanisms=(SCC_IN,)), ""),
    "T01 unknown is never at home": (AT_HOME.altered(access=None), "T01"),
    "T01 origin unknown": (GOOD.altered(origin=None), "T01 T04 T07"),
    "T02 not in the register": (GOOD.altered(registered=False), "T02 T03 T08 T11"),
    "T02 at home too": (AT_HOME.altered(registered=False), "T02 T03"),
    "T02 in the register without a contract": (GOOD.altered(contract=None), "T02 T03 T11"),
    "T02 contract begins that second": (GOOD.altered(contract=JUST_BEGUN), ""),
    "T02 contract begins a second later": (GOOD.altered(contract=(SENT + SECOND, None)), "T02 T03 T11"),
    "T02 contract ends that second": (GOOD.altered(contract=JUST_OVER), "T02 T03 T11"),
    "T02 contract ends a second later": (GOOD.altered(contract=(START, SENT + SECOND)), ""),
    "T03 purpose outside": (AT_HOME.altered(purpose="train_ai_system"), "T03"),
    "T03 category outside": (AT_HOME.altered(category="user.financial"), "T03"),
    "T03 a parent does not open its children": (AT_HOME.altered(categories=("user.content",)), "T03"),
    "T03 one of several": (AT_HOME.altered(categories=("user.financial", GOOD.category)), ""),
    "T04 none": (TO_INDIA, "T04"),
    "T04 adequacy begins that second": (GOOD.altered(lists=lists(Listed("adequacy", "EU", "JP", span=JUST_BEGUN))), ""),
    "T04 adequacy ends that second": (GOOD.altered(lists=lists(Listed("adequacy", "EU", "JP", span=JUST_OVER))), "T04"),
    "T04 adequacy withdrawn": (GOOD.altered(lists=lists(Listed("adequacy", "EU", "JP", status="withdrawn"))), "T04"),
    "T04 adequacy of another law": (GOOD.altered(origin="GB"), "T04"),
    "T04 an organisation is no country": (GOOD.altered(lists=lists(Listed("adequacy", "EU", "JP", "org"))), "T04"),
    "T04 consent does not cure": (TO_INDIA.altered(consents=(Consented(), Consented())), "T04"),
    "T04 access from a country without one": (GOOD.altered(access=("IN",)), "T04"),
    "T04 origin without a law": (GOOD.altered(origin="MX"), "T04 T07"),
    "T04 Chinese, no route at all": (CHINESE.altered(mechanisms=()), "T04 T07"),
    "T04 Chinese, route for another country": (
        CHINESE.altered(mechanisms=(replace(PIPL, countries=("SG",)),)),
        "T04 T07",
    ),
    "T05 covered": (TO_US.altered(mechanisms=(DPF,)), ""),
    "T05 not covered": (TO_US, "T05"),
    "T05 on no list": (TO_US.altered(mechanisms=(replace(DPF, listing="Other Inc."),)), "T05"),
    "T05 listing ends that second": (
        TO_US.altered(mechanisms=(DPF,), lists=lists(Listed("dpf", "EU", "Vendor Inc.", "org", span=JUST_OVER))),
        "T05",
    ),
    "T05 listing begins that second": (
        TO_US.altered(mechanisms=(DPF,), lists=lists(Listed("dpf", "EU", "Vendor Inc.", "org", span=JUST_BEGUN))),
        "",
    ),
    "T05 clauses instead": (TO_US.altered(mechanisms=(SCC,)), ""),
    "T05 neither listed nor well signed": (TO_US.altered(mechanisms=(replace(SCC, signed=None),)), "T05 T06"),
    "T05 another condition, met": (
        GOOD.altered(
            destination="CA", mechanisms=(Mech("adequacy", countries=("CA",), covered_as="commercial"),)
        ),
        "",
    ),
    "T05 another condition, not met": (GOOD.altered(destination="CA", mechanisms=(DPF,)), "T05"),
    "T05 a sub-processor is not covered by its customer's listing": (
        GOOD.altered(subs=("cloud",), declared_subs=(Sub("cloud", ("US",)),), mechanisms=(DPF,)),
        "T05",
    ),
    "T05 a sub-processor with a listing of its own": (
        GOOD.altered(subs=("cloud",), declared_subs=(Sub("cloud", ("US",), listing="Vendor Inc."),)),
        "",
    ),
    "T06 in order": (TO_INDIA.altered(mechanisms=(SCC_IN,)), ""),
    "T06 wrong module": (TO_INDIA.altered(mechanisms=(replace(SCC_IN, module="c2c"),)), "T06"),
    "T06 the module of a controller": (
        TO_INDIA.altered(role="controller", mechanisms=(replace(SCC_IN, module="c2c"),)),
        "",
    ),
    "T06 unsigned": (TO_INDIA.altered(mechanisms=(replace(SCC_IN, signed=None),)), "T06"),
    "T06 signed that second": (TO_INDIA.altered(mechanisms=(replace(SCC_IN, signed=SENT),)), ""),
    "T06 signed a second later": (TO_INDIA.altered(mechanisms=(replace(SCC_IN, signed=SENT + SECOND),)), "T06"),
    "T06 not assessed": (TO_INDIA.altered(mechanisms=(replace(SCC_IN, assessed=None),)), "T06"),
    "T06 assessment over that second": (
        TO_INDIA.altered(mechanisms=(replace(SCC_IN, assessed_until=SENT),)),
        "T06",
    ),
    "T06 assessment negative": (TO_INDIA.altered(mechanisms=(replace(SCC_IN, positive=False),)), "T06"),
    "T06 bad clauses do no harm where the country is adequate": (
        GOOD.altered(mechanisms=(replace(SCC, countries=("JP",), signed=None),)),
        "",
    ),
    "T06 the British agreement has no module": (
        GOOD.altered(origin="GB", mechanisms=(Mech("idta", ("UK",), ("JP",)),)),
        "",
    ),
    "T07 in order": (CHINESE, ""),
    "T07 consent not separate": (CHINESE.altered(consents=(Consented("expressed_consent"),)), "T07"),
    "T07 no notice": (CHINESE.altered(mechanisms=(replace(PIPL, notice=None),)), "T07"),
    "T07 notice that second": (CHINESE.altered(mechanisms=(replace(PIPL, notice=SENT),)), ""),
    "T07 notice a second later": (CHINESE.altered(mechanisms=(replace(PIPL, notice=SENT + SECOND),)), "T07"),
    "T07 no assessment": (CHINESE.altered(mechanisms=(replace(PIPL, assessed=None),)), "T07"),
    "T07 negative": (CHINESE.altered(mechanisms=(replace(PIPL, positive=False),)), "T07"),
    "T07 exempt is not enough for faces": (CHINESE.altered(mechanisms=(replace(PIPL, route="exempt"),)), "T07"),
    "T07 volume asks for a security assessment": (CHINESE.altered(volume_level=2), "T07"),
    "T07 security assessment passed": (
        CHINESE.altered(volume_level=2, mechanisms=(replace(PIPL, route="security_assessment"),)),
        "",
    ),
    "T07 route not open yet": (
        CHINESE.altered(mechanisms=(replace(PIPL, route_span=(SENT + SECOND, None)),)),
        "T07",
    ),
    "T07 route over that second": (CHINESE.altered(mechanisms=(replace(PIPL, route_span=(START, SENT)),)), "T07"),
    "T07 inside China": (CHINESE.altered(destination="CN", mechanisms=(), consents=()), ""),
    "T07 other data below the numbers": (
        CHINESE.altered(
            category="user.contact.email",
            categories=("user.contact.email",),
            consents=(Consented(category="user.contact.email"),),
            mechanisms=(replace(PIPL, route="exempt"),),
            volume_level=0,
        ),
        "",
    ),
    "T08 transport unknown": (GOOD.altered(transport=None), "T08"),
    "T08 an old protocol": (GOOD.altered(transport="TLSv1.1"), "T08"),
    "T08 one measure without evidence": (GOOD.altered(security=GOOD.security[:2]), "T08"),
    "T08 evidence stale that second": (
        GOOD.altered(security=(*GOOD.security[:2], ("access", START, SENT))),
        "T08",
    ),
    "T08 evidence dated that second": (GOOD.altered(security=(*GOOD.security[:2], ("access", SENT, END))), ""),
    "T08 renewed in time": (
        GOOD.altered(security=(*GOOD.security[:2], ("access", START, SENT), ("access", SENT - DAY, END))),
        "",
    ),
    "T09 absent": (GOOD.altered(consents=()), "T09"),
    "T09 bundled": (GOOD.altered(consents=(Consented(bundled=True),)), "T09"),
    "T09 implied": (GOOD.altered(consents=(Consented("implied_consent"),)), "T09"),
    "T09 expressed is enough outside China": (GOOD.altered(consents=(Consented("expressed_consent"),)), ""),
    "T09 given that second": (GOOD.altered(consents=(Consented(given=SENT),)), ""),
    "T09 given after sending": (GOOD.altered(consents=(Consented(given=SENT + SECOND),)), "T09"),
    "T09 withdrawn before sending": (GOOD.altered(consents=(Consented(withdrawn=SENT - SECOND),)), "T09"),
    "T09 withdrawn that second": (GOOD.altered(consents=(Consented(withdrawn=SENT),)), "T09"),
    "T09 withdrawn after sending": (GOOD.altered(consents=(Consented(withdrawn=SENT + SECOND),)), ""),
    "T09 withdrawn and given again": (
        GOOD.altered(consents=(Consented(withdrawn=SENT - DAY), Consented(given=SENT - SECOND))),
        "",
    ),
    "T09 another recipient": (GOOD.altered(consents=(Consented(recipient="other"),)), "T09"),
    "T09 no recipient named": (GOOD.altered(consents=(Consented(recipient=None),)), "T09"),
    "T09 other data": (GOOD.altered(consents=(Consented(category="user.contact.email"),)), "T09"),
    "T09 another purpose": (GOOD.altered(consents=(Consented(purpose="marketing"),)), "T09"),
    "T09 another notice version": (GOOD.altered(consents=(Consented(notice="2023-01-01"),)), "T09"),
    "T09 a new notice that second": (
        GOOD.altered(notices=((NOTICE, START, SENT), ("next", SENT, None))),
        "T09",
    ),
    "T09 consent to the new notice": (
        GOOD.altered(notices=((NOTICE, START, SENT), ("next", SENT, None)), consents=(Consented(notice="next"),)),
        "",
    ),
    "T09 not needed inside the EEA": (GOOD.altered(destination="FR", consents=()), ""),
    "T10 abroad": (GOOD.altered(minor=True), "T10"),
    "T10 at home": (AT_HOME.altered(minor=True), "T10"),
    "T10 inside the EEA": (GOOD.altered(destination="FR", minor=True), "T10"),
    "T11 declared": (GOOD.altered(subs=("hosting",)), ""),
    "T11 undeclared": (GOOD.altered(subs=("hosting", "stranger")), "T11"),
    "T11 undeclared, otherwise at home": (AT_HOME.altered(subs=("stranger",)), "T11"),
    "T11 declared from that second": (
        GOOD.altered(subs=("hosting",), declared_subs=(Sub("hosting", ("JP",), JUST_BEGUN),)),
        "",
    ),
    "T11 declaration ends that second": (
        GOOD.altered(subs=("hosting",), declared_subs=(Sub("hosting", ("JP",), JUST_OVER),)),
        "T11",
    ),
    "T11 a country the contract does not name": (GOOD.altered(storage=("US",)), "T11"),
    "T11 access from a country the contract does not name": (
        GOOD.altered(access=("IN",), declared_access=(), storage=("JP",), mechanisms=(SCC_IN,)),
        "T11",
    ),
    "T11 declared, but to a country without a mechanism": (
        GOOD.altered(subs=("cloud",), declared_subs=(Sub("cloud", ("IN",)),)),
        "T04",
    ),
    "origin is destination": (AT_HOME.altered(consents=(), security=(), transport=None), ""),
    "inside the EEA": (GOOD.altered(destination="FR", consents=(), security=(), transport=None), ""),
    "inside the EEA, looked at from outside": (
        GOOD.altered(destination="FR", access=("IN",), mechanisms=(SCC_IN,), consents=()),
        "T09",
    ),
    "out of the EEA that second": (
        GOOD.altered(destination="FR", consents=(), lists=lists(Listed("eea", "EU", "FR", span=JUST_OVER))),
        "T04 T09",
    ),
    "at home, but a sub-processor is not": (
        AT_HOME.altered(subs=("hosting",), consents=()),
        "T09",
    ),
    "everything at once": (
        Case(
            origin="CN", destination="US", access=None, subs=None, transport=None, purpose="train_ai_system",
            minor=True, registered=False, consents=(),
        ),
        "T01 T02 T03 T04 T07 T08 T09 T10 T11",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_rule_kept_broken_and_at_the_edge(admin: Connection, name: str) -> None:
    case, expected = TABLE[name]
    assert judged(admin, case)[1] == expected.split()


@pytest.mark.parametrize("name", TABLE)
def test_the_judge_written_apart_agrees(admin: Connection, name: str) -> None:
    case, expected = TABLE[name]
    assert reference_judge(case)[1] == expected.split()
    assert reference_judge(case) == judged(admin, case)


def test_every_rule_has_at_least_three_cases_and_is_broken_by_one() -> None:
    for number in range(1, 12):
        rule = f"T{number:02d}"
        about = [name for name in TABLE if name.startswith(rule)]
        assert len(about) >= 3, rule
        assert any(rule in expected for _, expected in TABLE.values()), rule
        # T10 is kept by every case about another rule.
        assert any(rule not in TABLE[name][1] for name in about) or rule in {"T01", "T10"}


def test_disclosures_that_are_alike_are_judged_once_and_each_as_of_its_own_sending(admin: Connection) -> None:
    over = GOOD.altered(contract=(START, SENT + SECOND))
    cases = [over.altered(sent=SENT + n * SECOND) for n in (-2, -1, 0, 1, 2)]
    broken = [row[1] for row in judge_all(admin, cases)]
    assert broken == [[], [], [], ["T02", "T03", "T11"], ["T02", "T03", "T11"]]
