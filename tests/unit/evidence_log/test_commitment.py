"""Commitments hide what they are about, and open for whoever has the salt."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json

import pytest
from tests.unit.evidence_log.forge import case, item, judge, opening, references, salt, story

from data_lifecycle.evidence.commitment import (
    Opening,
    OpeningError,
    Reference,
    commit,
    commitments_root,
    new_salt,
    open_case,
    set_root,
)
from data_lifecycle.evidence.lifecycle_verify import canonical, includes, leaf_hash, root_of

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
    listed = [Reference("b", f"orders/A/{n // 2}", "version", str(n), "A") for n in range(size)]
    root = bytes.fromhex(commitments_root(salt(1), listed))
    whole = open_case(case(1), salt(1), listed)
    assert (whole.count, [i.index for i in whole.items]) == (size, list(range(size)))
    assert {i.reference for i in whole.items} == set(listed)
    file = open_case(case(1), salt(1), listed, "orders/A/0")
    assert {i.reference for i in file.items} == set(listed[:2])
    for one in (*whole.items, *file.items):
        leaf = leaf_hash(commit(salt(1), one.reference))
        assert includes(leaf, one.index, size, one.proof, root)
        assert not includes(leaf, one.index, size, one.proof, bytes(32))
    with pytest.raises(OpeningError):
        open_case(case(1), salt(1), listed, STRANGE.key)


def test_neither_an_opening_nor_a_reference_shows_itself() -> None:
    opened = open_case(case(1), salt(1), references(1))
    for text in (repr(Opening("A1", (opened,), "orders/A1/x")), repr(opened.items[0].reference)):
        assert "orders/" not in text
        assert "A1" not in text
        assert salt(1).hex() not in text


def test_the_set_root_covers_every_item_in_order() -> None:
    items = [item(1), item(2, "HELD")]
    assert set_root(items) == root_of(leaf_hash(canonical(i)) for i in items).hex()
    assert set_root(items) != set_root(items[::-1])


@pytest.mark.parametrize(
    ("number", "state"), [(20, "OBSERVED_ABSENT"), (10, "RESIDUE_CLEARED"), (1, "OBSERVED_ABSENT")]
)
def test_what_is_opened_is_found_with_what_is_claimed_of_it(number: int, state: str) -> None:
    result = judge(story().bundle(), opening=opening(number))
    assert result.refused is None
    assert "3 items, all there are in 1 case of an order; all claimed absent: 3 " in result.lines[-1][1]
    assert f"3 {state} (entry " in result.lines[-1][1]
    assert (result.opened_absent, result.exit_code) == (True, 0)


@pytest.mark.parametrize("number", range(3))
def test_one_file_may_be_opened_alone(number: int) -> None:
    result = judge(story().bundle(), opening=opening(20, key=references(20)[number].key))
    assert result.refused is None
    assert result.lines[-1][1].startswith("1 item, of one file; all claimed absent: 1 OBSERVED_ABSENT (")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("days", "number", "state"), [(2, 1, "HELD"), (5, 2, "UNKNOWN"), (5, 11, "RESURRECTED")]
)
def test_what_is_not_claimed_absent_is_said_to_be_so(days: int, number: int, state: str) -> None:
    result = judge(story(days).bundle(), opening=opening(number))
    assert result.refused is None
    assert f"; 0 of 3 claimed absent: 3 {state} (" in result.lines[-1][1]
    assert (result.opened_absent, result.exit_code) == (False, 3)


def test_an_order_may_have_had_several_cases() -> None:
    log, numbers = story(), (61, 62)
    of_each = {
        n: [dataclasses.replace(r, order="A", version_id=f"v{n}") for r in references(n)] for n in numbers
    }
    claims = [item(n) | {"commitments_root": commitments_root(salt(n), of_each[n])} for n in numbers]
    log.run(log_end(), claims)
    given = Opening("A", tuple(open_case(case(n), salt(n), of_each[n]) for n in numbers)).to_json()
    result = judge(log.bundle(), opening=given)
    assert result.lines[-1][1].startswith(
        "6 items, all there are in 2 cases of an order; all claimed absent: "
    )
    assert result.exit_code == 0
    log.run(log_end(1), [claims[1] | {"state": "RESURRECTED"}])
    result = judge(log.bundle(), opening=given)
    assert "; 3 of 6 claimed absent: 3 OBSERVED_ABSENT (" in result.lines[-1][1]
    assert ", 3 RESURRECTED (" in result.lines[-1][1]
    assert (result.opened_absent, result.exit_code) == (False, 3)


def test_residue_is_told_with_its_end() -> None:
    result = judge(story(4).bundle(), opening=opening(10))
    assert "residue in database backups until 2026-02-05" in result.lines[-1][1]
    assert result.exit_code == 0


def test_absence_may_name_its_residue_at_once() -> None:
    log = story()
    rest = [{"where": "write-ahead log", "until": "2026-01-20T00:00:00+00:00"}]
    log.run(log_end(), [item(60, residue=rest)])
    result = judge(log.bundle(), opening=opening(60))
    assert result.lines[-1][1].endswith("; residue in write-ahead log until 2026-01-20)")
    assert result.exit_code == 0


def test_what_the_latest_claim_leaves_out_is_not_absent() -> None:
    log = story()
    other = [*references(60), dataclasses.replace(references(60)[0], key="late")]
    log.run(
        log_end(), [item(60, "DELETE_ACCEPTED") | {"commitments_root": commitments_root(salt(60), other)}]
    )
    log.run(log_end(1), [item(60)])
    for key in (None, "late"):
        given = Opening("A60", (open_case(case(60), salt(60), other, key),), key).to_json()
        result = judge(log.bundle(), opening=given)
        assert result.refused is None
        assert "its case is OBSERVED_ABSENT now, without them" in result.lines[-1][1]
        assert result.exit_code == 3


def log_end(hours: float = 0):  # type: ignore[no-untyped-def]
    """A moment after the story."""
    from tests.unit.evidence_log.forge import DAYS, at

    return at(DAYS, 1 + hours)
