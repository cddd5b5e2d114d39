"""Commitments hide what they are about, and open for whoever has the salt."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json

import pytest
from tests.unit.evidence_log.forge import case, item, judge, references, salt, story

from data_lifecycle.evidence.commitment import (
    OpeningError,
    Reference,
    commit,
    commitments_root,
    new_salt,
    open_reference,
    set_root,
    verify_opening,
)
from data_lifecycle.evidence.lifecycle_verify import canonical, leaf_hash, root_of

STRANGE = Reference("b", 'orders/A/\u2028\u0000\x7f"\\é😀\n.jpg', "version", "null", "A")


@pytest.mark.parametrize("reference", [*references(1), STRANGE])
def test_a_commitment_is_an_hmac_over_canonical_json(reference: Reference) -> None:
    data = json.dumps(
        dataclasses.asdict(reference), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    assert reference.canonical() == data.encode() == canonical(dataclasses.asdict(reference))
    assert commit(salt(1), reference) == hmac.new(salt(1), data.encode(), hashlib.sha256).digest()


def test_half_a_character_cannot_be_committed_to() -> None:
    with pytest.raises(ValueError, match="non-UTF-8"):
        Reference("b", "\ud800", "version", "v", "A").canonical()


def test_the_order_of_references_does_not_matter_and_the_salt_does() -> None:
    assert commitments_root(salt(1), references(1)) == commitments_root(salt(1), references(1)[::-1])
    assert commitments_root(salt(1), references(1)) != commitments_root(salt(2), references(1))
    assert new_salt() != new_salt()
    with pytest.raises(ValueError, match="32 bytes"):
        commit(b"short", STRANGE)


@pytest.mark.parametrize("size", range(1, 18))
def test_every_reference_of_a_case_opens(size: int) -> None:
    listed = [Reference("b", f"orders/A/{n}", "version", str(n), "A") for n in range(size)]
    root = commitments_root(salt(1), listed)
    for reference in listed:
        opening = open_reference(case(1), salt(1), listed, reference)
        verify_opening(opening, root)
        with pytest.raises(OpeningError):
            verify_opening(opening, commitments_root(salt(2), listed))
    with pytest.raises(OpeningError):
        open_reference(case(1), salt(1), listed, STRANGE)


def test_neither_an_opening_nor_a_reference_shows_itself() -> None:
    opening = open_reference(case(1), salt(1), references(1), references(1)[0])
    for text in (repr(opening), repr(opening.reference)):
        assert "orders/" not in text
        assert "A1" not in text
        assert salt(1).hex() not in text


def test_the_set_root_covers_every_item_in_order() -> None:
    items = [item(1), item(2, "HELD")]
    assert set_root(items) == root_of(leaf_hash(canonical(i)) for i in items).hex()
    assert set_root(items) != set_root(items[::-1])


@pytest.mark.parametrize(
    ("number", "says", "exit_code"),
    [
        (20, "is OBSERVED_ABSENT", 0),
        (10, "is RESIDUE_CLEARED", 0),
        (1, "is OBSERVED_ABSENT", 0),
    ],
)
def test_an_opened_item_is_found_with_what_is_claimed_of_it(number: int, says: str, exit_code: int) -> None:
    opening = open_reference(case(number), salt(number), references(number), references(number)[2])
    result = judge(story().bundle(), opening=opening.to_json())
    assert result.refused is None
    assert says in result.lines[-1][1]
    assert result.exit_code == exit_code


@pytest.mark.parametrize(
    ("days", "number", "state"), [(2, 1, "HELD"), (5, 2, "UNKNOWN"), (5, 11, "RESURRECTED")]
)
def test_an_item_that_is_not_claimed_absent_is_said_to_be_so(days: int, number: int, state: str) -> None:
    opening = open_reference(case(number), salt(number), references(number), references(number)[0])
    result = judge(story(days).bundle(), opening=opening.to_json())
    assert result.refused is None
    assert f"is {state}" in result.lines[-1][1]
    assert (result.opened_absent, result.exit_code) == (False, 3)


def test_residue_is_told_with_its_end() -> None:
    opening = open_reference(case(10), salt(10), references(10), references(10)[0])
    result = judge(story(4).bundle(), opening=opening.to_json())
    assert "residue in database backups until 2026-02-05" in result.lines[-1][1]
    assert result.exit_code == 0


def test_absence_may_name_its_residue_at_once() -> None:
    log = story()
    rest = [{"where": "write-ahead log", "until": "2026-01-20T00:00:00+00:00"}]
    log.run(log_end(), [item(60, residue=rest)])
    opening = open_reference(case(60), salt(60), references(60), references(60)[0])
    result = judge(log.bundle(), opening=opening.to_json())
    assert result.lines[-1][1].endswith("; residue in write-ahead log until 2026-01-20T00:00:00+00:00")
    assert result.exit_code == 0


def test_an_item_that_the_latest_claim_leaves_out_is_not_absent() -> None:
    log = story()
    other = [*references(60), STRANGE]
    log.run(
        log_end(), [item(60, "DELETE_ACCEPTED") | {"commitments_root": commitments_root(salt(60), other)}]
    )
    log.run(log_end(1), [item(60)])
    opening = open_reference(case(60), salt(60), other, STRANGE)
    result = judge(log.bundle(), opening=opening.to_json())
    assert result.refused is None
    assert "without it" in result.lines[-1][1]
    assert result.exit_code == 3


def log_end(hours: float = 0):  # type: ignore[no-untyped-def]
    """A moment after the story."""
    from tests.unit.evidence_log.forge import DAYS, at

    return at(DAYS, 1 + hours)
