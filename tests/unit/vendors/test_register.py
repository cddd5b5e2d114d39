"""The register: the one that ships is usable, and one that is not is refused with the field and the fix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from data_lifecycle.policy.loader import REGISTER, load_all
from data_lifecycle.policy.taxonomy import require_category, require_use
from data_lifecycle.vendors.register import RegisterError, load_register

POLICY_DIR = Path(__file__).resolve().parents[3] / "include" / "policy"
POLICY = load_all(POLICY_DIR)[-1]
SHIPPED = (POLICY_DIR / REGISTER).read_text("utf-8")


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Load the shipped register with pieces replaced; what is said of it."""

    def load(*changes: tuple[str, str]) -> str:
        text = SHIPPED
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        file = tmp_path / "vendors.yaml"
        file.write_text(text, "utf-8")
        with pytest.raises(RegisterError) as error:
            load_register(file, POLICY)
        assert all(problem.file == str(file) and problem.fix for problem in error.value.problems)
        return str(error.value)

    return load


def test_the_shipped_register_has_every_kind_and_is_believable() -> None:
    register = load_register(POLICY_DIR / REGISTER, POLICY)
    assert {vendor.kind for vendor in register.vendors} == {"payment", "email", "cloud", "ai"}
    assert {vendor.role for vendor in register.vendors} == {"processor", "controller"}
    assert {vendor.erasure.mode for vendor in register.vendors} == {"sync", "async", "ttl_only", "manual"}
    assert {"none", "accepted", "completed", "verified"} == {v.erasure.confirms for v in register.vendors}
    for vendor in register.vendors:
        assert vendor.reviews.due > vendor.reviews.last
        for contract in vendor.contracts:
            for key in contract.data_categories:
                require_category(key)
            for key in contract.data_uses:
                require_use(key)
    kinds = {m.mechanism for v in register.vendors for c in v.contracts for m in c.mechanisms}
    assert kinds == {"scc", "idta", "dpf", "pipl"}


def test_a_contract_counts_from_its_first_moment_and_not_at_its_last() -> None:
    vendor = load_register(POLICY_DIR / REGISTER, POLICY).vendor("sendgrid")
    assert vendor is not None
    end = datetime(2026, 1, 1, tzinfo=UTC)
    assert vendor.contract(end - timedelta(seconds=1)) is vendor.contracts[0]
    assert vendor.contract(end) is None
    assert vendor.contract(vendor.contracts[0].valid.since) is vendor.contracts[0]
    assert vendor.reviews.due == date(2027, 9, 1)
    assert vendor.erasure.residual == timedelta(days=30)
    assert load_register(POLICY_DIR / REGISTER, POLICY).vendor("nobody") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("    kind: payment\n", "    kind: bank\n"), "vendors.0.kind: 'bank'"),
        (("    retention: P1825D\n", ""), "vendors.0.retention: (missing): add retention"),
        (("    role: processor\n", "    rolle: processor\n"), "vendors.0.rolle: 'processor': unknown key"),
        (("storage_countries: [US]", "storage_countries: [usa]"), "vendors.0.contracts.0.storage_countries.0"),
        (("storage_countries: [US]", "storage_countries: []"), "vendors.0.contracts.0.storage_countries"),
        (("[user.financial]", "[user.finance]"), "unknown data category; use a fideslang key (user.financial"),
        (("[customer]", "[client]"), "unknown data subject; use a fideslang key"),
        (("module: c2p", "module: c3p"), "module"),
        (("mechanism: scc", "mechanism: handshake"), "handshake"),
        (("2024-08-01T00:00:00+00:00", "2024-08-01T00:00:00"), "time zone"),
        (("until: 2031-08-01T00:00:00+00:00}\n        data", "until: 2023-08-01T00:00:00+00:00}\n        data"),
         "later than since"),
        (("until: 2027-05-31T00:00:00+00:00}", "until: 2029-05-31T00:00:00+00:00}"), "at most three years"),
        (("{measure: tls, evidence: TLS configuration scan", "{measure: tls, evidence: ''"), "evidence"),
        (("max_residual: P90D", "max_residual: 90 days"), "max_residual"),
        (("confirms: completed", "confirms: surely"), "confirms"),
        (('clause: "4.3"', 'clause: "8"'), "clause"),
        (("id: paypal", "id: stripe"), "is listed twice"),
        (("[essential.service.payment_processing]", "[marketing]"), "does not give it to vendors of kind payment"),
        (("[essential.service]", "[essential.service, train_ai_system]"), "never allows it"),
        (("[user.contact.email]", "[user.financial]"), "does not give it to vendors of kind email"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_field_and_the_fix(
    refused: Callable[..., str], change: tuple[str, str], said: str
) -> None:
    assert said in refused(change)


def test_contracts_must_not_overlap(refused: Callable[..., str]) -> None:
    contract = SHIPPED[SHIPPED.index("      - id: dpa-stripe") : SHIPPED.index("    security:")]
    second = contract.replace("dpa-stripe", "dpa-stripe-2")
    assert "overlaps dpa-stripe; end that one first" in refused((contract, contract + second))


def test_everything_wrong_is_said_at_once(refused: Callable[..., str]) -> None:
    said = refused(("    kind: payment\n", "    kind: bank\n"), ("module: c2p", "module: c3p"))
    assert "kind" in said
    assert "module" in said


@pytest.mark.parametrize("content", [b"\xff", b"vendors: [", b"", b"- a", b"vendors: 2024-13-01"])
def test_what_is_no_register_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "vendors.yaml"
    file.write_bytes(content)
    with pytest.raises(RegisterError):
        load_register(file, POLICY)
    with pytest.raises(RegisterError):
        load_register(tmp_path / "absent.yaml", POLICY)
