"""Keys that were replaced are found beside the one that replaced them, and no others."""

from __future__ import annotations

import shutil
from pathlib import Path

from data_lifecycle.evidence import keys


def test_keys_that_were_replaced_are_found_by_role(tmp_path: Path) -> None:
    own = {role: keys.ensure(tmp_path, f"{role}.ed25519.pem") for role in ("attester", "log")}
    assert keys.retired(own["log"]) == ()
    old = []
    for name in ("a", "b"):
        former = keys.ensure(tmp_path / name, "log.ed25519.pem")
        public = keys.load(former).public_key()
        old.append(keys.key_id(public))
        shutil.copy(former.with_suffix(".pub.pem"), tmp_path / f"log.ed25519.retired-{old[-1]}.pub.pem")
    assert {keys.key_id(key) for key in keys.retired(own["log"])} == set(old)
    assert keys.retired(own["attester"]) == ()


def test_a_key_that_is_to_come_is_no_retired_one(tmp_path: Path) -> None:
    from data_lifecycle.evidence.rotating import next_file

    private = keys.ensure(tmp_path, "log.ed25519.pem")
    keys.ensure(tmp_path, next_file(private).name)
    assert keys.retired(private) == ()
    assert next_file(private).exists()
