"""Every bad bundle is refused, by the check that is there for it; no mutation of a good one is accepted."""

from __future__ import annotations

import json
import os
import random
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.evidence_log.attacks import GOOD, HOUSE
from tests.unit.evidence_log.attacks_posture import ATTACKS, paused
from tests.unit.evidence_log.attacks_time import STAMPED, TIMED
from tests.unit.evidence_log.forge import at, dumps, judge, turned

from data_lifecycle.evidence.lifecycle_verify import CHECKS, pack, unpack

MUTATIONS = int(os.environ.get("MUTATIONS", "10000"))
"""How many random mutations; 100000 take some minutes."""
WEEK = turned()
TURNED = WEEK.bundle(notes={3: HOUSE.note(3), 8: HOUSE.note(8)})
PAUSED = paused().bundle()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_bad_bundle_is_refused_by_the_check_that_is_there_for_it(name: str) -> None:
    bad = ATTACKS[name]()
    result = judge(bad.bundle, bad.trust, **bad.more)
    assert result.refused is not None
    assert result.refused[0] == bad.check
    assert result.exit_code == 1
    assert [check for check, _ in result.lines] == list(CHECKS[: CHECKS.index(bad.check)])


def test_there_are_attacks_on_every_check() -> None:
    attacked = Counter(name.split(":")[0] for name in ATTACKS)
    print(f"{len(ATTACKS)} named bad bundles: {dict(attacked)}")
    assert len(ATTACKS) >= 120
    assert set(attacked) == set(CHECKS)


@pytest.mark.parametrize(
    "bundle", [GOOD, TURNED, STAMPED, PAUSED], ids=["ordinary", "keys replaced", "timestamped", "paused"]
)
def test_what_is_attacked_is_good(bundle: bytes) -> None:
    result = judge(bundle, TIMED)
    assert result.refused is None
    assert [check for check, _ in result.lines] == list(CHECKS)


# Random mutations -----------------------------------------------------------------------------------------------------

Mutation = Callable[[random.Random, bytes], bytes]


def flip(chance: random.Random, data: bytes) -> bytes:
    """One bit."""
    at_ = chance.randrange(len(data))
    return data[:at_] + bytes([data[at_] ^ 1 << chance.randrange(8)]) + data[at_ + 1 :]


def chop(chance: random.Random, data: bytes) -> bytes:
    """The end, or a piece in the middle, is missing."""
    start = chance.randrange(len(data))
    return data[:start] + (b"" if chance.random() < 0.5 else data[start + chance.randrange(1, 64) :])


def stuff(chance: random.Random, data: bytes) -> bytes:
    """Something more."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.randbytes(chance.randrange(1, 32)) + data[start:]


def shuffle(chance: random.Random, data: bytes) -> bytes:
    """Two neighbouring pieces change places."""
    first, middle, last = sorted(chance.sample(range(len(data) + 1), 3))
    return data[:first] + data[middle:last] + data[first:middle] + data[last:]


def within(change: Mutation) -> Mutation:
    """The same to one file, packed again so that the archive itself is flawless."""

    def mutate(chance: random.Random, bundle: bytes) -> bytes:
        files = unpack(bundle)
        name = chance.choice(sorted(files))
        files[name] = change(chance, files[name])
        return pack(files)

    return mutate


def rearrange(chance: random.Random, bundle: bytes) -> bytes:
    """Files change places, are copied over each other, or vanish."""
    files = unpack(bundle)
    first, second = chance.sample(sorted(files), 2)
    kind = chance.randrange(3)
    if kind == 0:
        files[first], files[second] = files[second], files[first]
    elif kind == 1:
        files[first] = files[second]
    else:
        del files[first]
    return pack(files)


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything in a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [found for step, inner in steps for found in leaves_of(inner, (*path, step))]


def edit_json(chance: random.Random, value: Any) -> Any:
    """Change, remove, double or replace one thing in a JSON value."""
    paths = [path for path in leaves_of(value) if path]
    if not paths:
        return [value]
    path = chance.choice(paths)
    parent = value
    for step in path[:-1]:
        parent = parent[step]
    old = parent[path[-1]]
    kind = chance.randrange(6)
    if kind == 0:
        del parent[path[-1]]
    elif kind == 1 and isinstance(parent, list):
        parent.insert(path[-1], old)
    elif kind == 2 and isinstance(parent, list):
        chance.shuffle(parent)
    elif isinstance(old, bool) or old is None:
        parent[path[-1]] = chance.choice([True, False, None, 0, "x"])
    elif isinstance(old, int):
        parent[path[-1]] = chance.choice([old + 1, old - 1, -old, str(old), 2**53, bool(old)])
    elif isinstance(old, str) and old:
        spot = chance.randrange(len(old))
        parent[path[-1]] = old[:spot] + chance.choice("0123456789abcdefXYZ+/= é") + old[spot + 1 :]
    else:
        parent[path[-1]] = chance.choice([None, "", 0, [], {}, [old]])
    return value


def reword(chance: random.Random, bundle: bytes) -> bytes:
    """One JSON file is changed where it means something."""
    files = unpack(bundle)
    name = chance.choice([name for name in sorted(files) if name.endswith(".json")])
    files[name] = dumps(edit_json(chance, json.loads(files[name])))
    return pack(files)


def restate(chance: random.Random, bundle: bytes) -> bytes:
    """A statement is changed inside its envelope, which keeps its signature."""
    files = unpack(bundle)
    name = chance.choice([name for name in sorted(files) if name.startswith("entries/")])
    outer = json.loads(files[name])
    statement = edit_json(chance, json.loads(b64decode(outer["payload"])))
    outer["payload"] = b64encode(dumps(statement)).decode()
    files[name] = dumps(outer)
    return pack(files)


def relog(chance: random.Random, _: bytes) -> bytes:
    """An envelope is changed before it is logged: whoever has the log's key still cannot speak for the attester."""
    log = replace(WEEK, entries=list(WEEK.entries))
    index = chance.randrange(len(log.entries))
    outer = json.loads(log.entries[index])
    if chance.random() < 0.5:
        log.entries[index] = dumps(edit_json(chance, outer))
    else:
        outer["payload"] = b64encode(
            dumps(edit_json(chance, json.loads(b64decode(outer["payload"]))))
        ).decode()
        log.entries[index] = dumps(outer)
    return TURNED if log.entries == WEEK.entries else log.bundle()


MUTATE: dict[str, Mutation] = {
    "bit of the archive": flip,
    "piece of the archive missing": chop,
    "bytes in the archive": stuff,
    "pieces of the archive swapped": shuffle,
    "bit of a file": within(flip),
    "piece of a file missing": within(chop),
    "bytes in a file": within(stuff),
    "files rearranged": rearrange,
    "JSON edited": reword,
    "statement edited": restate,
    "statement edited, then logged": relog,
}


@pytest.mark.timeout(120 + MUTATIONS // 50)
def test_no_random_mutation_is_accepted() -> None:
    chance = random.Random(20260101)
    accepted: list[str] = []
    refusals: Counter[str] = Counter()
    tried = 0
    while tried < MUTATIONS:
        name = chance.choice(sorted(MUTATE))
        base = chance.choice([GOOD, TURNED, STAMPED, PAUSED])
        mutated = MUTATE[name](chance, base)
        if mutated in (base, TURNED):
            continue
        tried += 1
        result = judge(mutated, TIMED)
        if result.refused is None:
            accepted.append(name)
        else:
            refusals[result.refused[0]] += 1
    print(f"{tried} random mutations, {len(accepted)} accepted; refused by {dict(refusals.most_common())}")
    assert accepted == []
    assert tried >= MUTATIONS


def test_a_period_that_is_covered_is_accepted() -> None:
    result = judge(GOOD, asked=(at(1, 0), at(5, 0)))
    assert result.refused is None
