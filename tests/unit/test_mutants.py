"""The list of mutants fits the code: each guard stands where the list says, and the tests that miss it exist."""

from __future__ import annotations

import ast

import pytest
from tests.mutants import MUTANTS, REPOSITORY, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    text = (REPOSITORY / mutant.file).read_text("utf-8")
    assert mutant.old in text
    assert mutant.old != mutant.new
    if mutant.file.endswith(".py"):
        ast.parse(text.replace(mutant.old, mutant.new))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_its_tests_exist(mutant: Mutant) -> None:
    for test in mutant.tests:
        file, _, name = test.partition("::")
        text = (REPOSITORY / file).read_text("utf-8")
        assert not name or f"def {name.partition('[')[0]}(" in text


def test_no_guard_is_named_twice() -> None:
    assert len({mutant.guard for mutant in MUTANTS}) == len(MUTANTS)
