"""A statement has one form, and no byte of it can be changed without being refused."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope

from data_lifecycle.evidence import keys, statement

KEY = Ed25519PrivateKey.generate()
KEY_ID = keys.key_id(KEY.public_key())
TRUSTED = {KEY_ID: KEY.public_key()}
FACTS: dict[str, Any] = {"counts": {"acted": 2, "held": 0}, "name": "é", "share": "0.5", "steps": []}
SEALED = statement.seal(KEY, "a" * 64, "photo_purge/run-7", "https://example.org/p/v1", FACTS)


def test_what_was_sealed_is_read_back() -> None:
    assert statement.open_envelope(SEALED.envelope, TRUSTED) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "photo_purge/run-7", "digest": {"sha256": "a" * 64}}],
        "predicateType": "https://example.org/p/v1",
        "predicate": FACTS,
    }
    assert SEALED.sha256 == hashlib.sha256(SEALED.envelope).hexdigest()
    assert SEALED.key_id == KEY_ID
    assert "payload" not in repr(SEALED)


def test_the_form_does_not_depend_on_the_order_of_what_is_stated() -> None:
    backwards = dict(reversed(FACTS.items()))
    again = statement.seal(KEY, "a" * 64, "photo_purge/run-7", "https://example.org/p/v1", backwards)
    assert again == SEALED
    assert statement.facts_digest(backwards) == statement.facts_digest(FACTS)
    assert statement.facts_digest({**FACTS, "name": "e"}) != statement.facts_digest(FACTS)


def test_every_other_tool_for_dsse_reads_it() -> None:
    from securesystemslib.signer import SSlibKey

    public = SSlibKey.from_crypto(KEY.public_key(), KEY_ID)
    assert set(Envelope.from_dict(json.loads(SEALED.envelope)).verify([public], 1)) == {KEY_ID}


def test_no_byte_can_be_changed_dropped_or_added() -> None:
    """Every bit: base64 and JSON have spellings that mean the same and would give one statement two digests."""
    data = SEALED.envelope
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(ValueError, match=r"."):
                statement.open_envelope(bytes(changed), TRUSTED)
        for other in (data[:place] + data[place + 1 :], data[:place] + b" " + data[place:], data[:place]):
            with pytest.raises(ValueError, match=r"."):
                statement.open_envelope(other, TRUSTED)
    with pytest.raises(ValueError, match="canonical"):
        statement.open_envelope(data + b"\n", TRUSTED)


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5).map(
        lambda v: json.dumps(
            {"payload": v, "payloadType": statement.PAYLOAD_TYPE, "signatures": [v]}
        ).encode()
    )
)
def test_nonsense_is_refused_and_never_an_accident(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        statement.open_envelope(data, TRUSTED)


def signed(payload: bytes, payload_type: str = statement.PAYLOAD_TYPE, key: Ed25519PrivateKey = KEY) -> bytes:
    """An envelope whose signature is right, whatever is in it."""
    name = keys.key_id(key.public_key())
    seal = b64encode(key.sign(Envelope(payload, payload_type, {}).pae())).decode()
    wrapped = {"keyid": name, "sig": seal}
    return rfc8785.dumps(
        {"payload": b64encode(payload).decode(), "payloadType": payload_type, "signatures": [wrapped]}
    )


def test_a_signature_by_another_key_is_refused() -> None:
    other = Ed25519PrivateKey.generate()
    foreign = signed(b"{}", key=other)
    with pytest.raises(ValueError, match="not trusted"):
        statement.open_envelope(foreign, TRUSTED)
    with pytest.raises(ValueError, match="not trusted"):
        statement.open_envelope(SEALED.envelope, {})
    # Under the name of the trusted key:
    renamed = foreign.replace(keys.key_id(other.public_key()).encode(), KEY_ID.encode())
    with pytest.raises(ValueError, match="does not fit"):
        statement.open_envelope(renamed, TRUSTED)


def test_another_type_of_payload_is_refused_though_signed() -> None:
    with pytest.raises(ValueError, match="in-toto"):
        statement.open_envelope(signed(b"{}", "application/json"), TRUSTED)


def test_a_signature_for_another_type_does_not_count() -> None:
    envelope = json.loads(signed(b"{}", "application/json"))
    envelope["payloadType"] = statement.PAYLOAD_TYPE
    with pytest.raises(ValueError, match="does not fit"):
        statement.open_envelope(rfc8785.dumps(envelope), TRUSTED)


@pytest.mark.parametrize(
    "payload",
    [
        *(b'{"a":1,"a":2}', b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1.0}', b'{"a":NaN}', b'{"a":1}\n'),
        *(b"\xef\xbb\xbf{}", b"", b"x"),
    ],
    ids=repr,
)
def test_a_payload_in_another_form_is_refused_though_signed(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        statement.open_envelope(signed(payload), TRUSTED)


def test_two_signatures_or_none_are_refused() -> None:
    envelope = json.loads(SEALED.envelope)
    for signatures in ([], envelope["signatures"] * 2):
        with pytest.raises(ValueError, match="one signature"):
            statement.open_envelope(rfc8785.dumps({**envelope, "signatures": signatures}), TRUSTED)
    twice = SEALED.envelope[:-1] + b',"payload":"e30="}'
    with pytest.raises(ValueError, match="canonical"):
        statement.open_envelope(twice, TRUSTED)


@pytest.mark.parametrize(
    "value", [0.1 + 0.2j, float("nan"), 2**60, {1: "a"}, object()], ids=lambda value: type(value).__name__
)
def test_what_has_no_canonical_form_is_not_signed(value: object) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, ValueError)):
        statement.seal(KEY, "a" * 64, "s", "p", {"a": value})


def test_signing_again_gives_the_same_bytes() -> None:
    payload = b64decode(json.loads(SEALED.envelope)["payload"])
    assert signed(payload) == SEALED.envelope


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private = keys.ensure(tmp_path / "keys")
    finally:
        os.umask(before)
    assert private == tmp_path / "keys" / keys.PRIVATE_NAME
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    content = private.read_bytes()
    assert keys.ensure(tmp_path / "keys") == private
    assert private.read_bytes() == content
    assert sorted(f.name for f in private.parent.iterdir()) == sorted([keys.PRIVATE_NAME, keys.PUBLIC_NAME])
    public = serialization.load_pem_public_key((private.parent / keys.PUBLIC_NAME).read_bytes())
    assert public == keys.load(private).public_key()


def test_a_lost_public_half_comes_back_and_what_another_run_left_is_no_obstacle(tmp_path: Path) -> None:
    private = keys.ensure(tmp_path)
    (tmp_path / keys.PUBLIC_NAME).unlink()
    (tmp_path / f".{keys.PRIVATE_NAME}.left").write_bytes(b"half a key")
    assert keys.ensure(tmp_path) == private
    assert b"PUBLIC KEY" in (tmp_path / keys.PUBLIC_NAME).read_bytes()


def test_of_many_set_ups_at_once_one_makes_the_key_and_all_use_it(tmp_path: Path) -> None:
    code = """if True:
        import sys; from pathlib import Path; from data_lifecycle.evidence import keys
        print(keys.load(keys.ensure(Path(sys.argv[1]))).private_bytes_raw().hex())
    """
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "plugins")}
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(4)]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1
    assert not any(process.returncode for process in started)


def test_a_key_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keys.ensure(tmp_path).read_bytes()
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert keys.ensure(tmp_path).read_bytes() == first


def test_only_an_ed25519_key_signs(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "other.pem").write_bytes(other)
    with pytest.raises(ValueError, match="Ed25519"):
        keys.load(tmp_path / "other.pem")
    with pytest.raises(FileNotFoundError):
        keys.load(tmp_path / "none.pem")


def test_a_key_is_named_by_its_public_half() -> None:
    raw = KEY.public_key().public_bytes_raw()
    assert hashlib.sha256(raw).hexdigest() == KEY_ID
