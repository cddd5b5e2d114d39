"""What somebody can try with an opening: other items, other secrets, less than there is, more than was stated."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.evidence_log.attacks import attack, cut, put
from tests.unit.evidence_log.attacks_runs import ATTACKS
from tests.unit.evidence_log.forge import DAYS, at, case, dumps, item, opening, references, salt, story

from data_lifecycle.evidence.commitment import commitments_root

__all__ = ["ATTACKS"]


def _opening() -> None:
    good, parts = opening(20), json.loads(opening(20))["cases"][0]["items"]
    other = json.loads(opening(21))["cases"][0]

    def opened(name: str, given: bytes) -> None:
        attack("opening", name, lambda: story().bundle(), opening=given)

    def swapped(found: Any) -> None:
        first, second = found["cases"][0]["items"][:2]
        first["proof"], second["proof"] = second["proof"], first["proof"]

    def exchanged(found: Any) -> None:
        first, second = found["cases"][0]["items"][:2]
        first["reference"], second["reference"] = second["reference"], first["reference"]

    def both(found: Any) -> None:
        found["cases"].append(other)

    def of_one_order(found: Any) -> None:
        both(found)
        for part in found["cases"][1]["items"]:
            part["reference"]["order"] = "A20"

    inside: tuple[Any, ...] = ("cases", 0)
    each: tuple[Any, ...] = (*inside, "items")
    for name, change in {
        "another salt": put("00" * 32, *inside, "salt"),
        "the salt of another case": put(other["salt"], *inside, "salt"),
        "a short salt": put("00", *inside, "salt"),
        "another key": put("orders/A20/other.jpg", *each, 1, "reference", "key"),
        "another version": put("v9", *each, 1, "reference", "version_id"),
        "another bucket": put("studio-backup", *each, 1, "reference", "bucket"),
        "another order in an item": put("A21", *each, 1, "reference", "order"),
        "another order than that of the items": put("A21", "order"),
        "no order": put(None, "order"),
        "a reference with a field more": put("x", *each, 1, "reference", "note"),
        "a reference that is a number": put(1, *each, 1, "reference", "version_id"),
        "a reference less": cut(*each, 1, "reference", "kind"),
        "another case": put(case(21), *inside, "case"),
        "a case nobody states": put(case(777), *inside, "case"),
        "a case that is a number": put(20, *inside, "case"),
        "no cases": put([], "cases"),
        "cases that are a text": put("x", "cases"),
        "a case twice": lambda found: found["cases"].append(found["cases"][0]),
        "two orders in one file": both,
        "two orders in one file under one name": of_one_order,
        "the items of another case": put(other["items"], *each),
        "no items": put([], *each),
        "items that are a text": put("x", *each),
        "an item that is a text": put("x", *each, 1),
        "the first item missing": cut(*each, 0),
        "an item missing": cut(*each, 1),
        "the last item missing": cut(*each, 2),
        "the last item missing and the count adjusted": lambda found: (
            cut(*each, 2)(found),
            put(2, *inside, "count")(found),
        ),
        "an item twice": lambda found: found["cases"][0]["items"].insert(1, parts[1]),
        "an item twice under two indexes": put(parts[1]["reference"], *each, 2, "reference"),
        "items out of order": put([parts[1], parts[0], parts[2]], *each),
        "another index": put(2, *each, 1, "index"),
        "an index beyond": put(3, *each, 2, "index"),
        "an index that is a text": put("1", *each, 1, "index"),
        "a count too small": put(2, *inside, "count"),
        "a count too large": put(4, *inside, "count"),
        "no count": put(0, *inside, "count"),
        "no proof": put([], *each, 1, "proof"),
        "a proof that is a text": put("x", *each, 1, "proof"),
        "another proof": put(["00" * 32] * len(parts[1]["proof"]), *each, 1, "proof"),
        "a longer proof": put([*parts[1]["proof"], "00" * 32], *each, 1, "proof"),
        "a shorter proof": put(parts[1]["proof"][:-1], *each, 1, "proof"),
        "swapped proofs": swapped,
        "swapped references": exchanged,
        "items of one file only": put([parts[0]], *each),
        "a file that only some items are of": put(parts[0]["reference"]["key"], "key"),
        "a file that is a number": put(1, "key"),
        "another format": put("v2", "format"),
        "a field more": put("x", "extra"),
        "a field more in a case": put("x", *inside, "extra"),
        "a field more in an item": put("x", *each, 1, "extra"),
        "no salt": cut(*inside, "salt"),
    }.items():
        changed = json.loads(good)
        change(changed)
        opened(name, dumps(changed))
    opened("a space", good + b" ")
    opened("a key twice", good.replace(b"{", b'{"cases":"x",', 1))
    opened("not JSON", b"{")
    opened("a list", b"[]")
    one = json.loads(opening(20, key=parts[1]["reference"]["key"]))
    for name, change in {
        "a file of another name": put("orders/A20/other.jpg", "key"),
        "one file said to be all there is": put(None, "key"),
        "one file said to be all there is, the count adjusted": lambda found: (
            put(None, "key")(found),
            put(1, *inside, "count")(found),
            put(0, *each, 0, "index")(found),
        ),
        "one file with the items of another": put([parts[0]], *each),
    }.items():
        changed = json.loads(json.dumps(one))
        change(changed)
        opened(name, dumps(changed))

    def part_of_it() -> bytes:
        log = story()
        log.run(at(DAYS), [item(60) | {"commitments_root": commitments_root(salt(60), references(60)[:2])}])
        return log.bundle()

    attack("opening", "more items than were stated", part_of_it, opening=opening(60))


_opening()
