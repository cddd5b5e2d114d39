"""The store's identities come from the policy files and from nothing else; a wrong set-up is refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects.provision import (
    ProvisionError,
    evidence_policy,
    main,
    provision,
    render_identities,
)

STORE = Path(__file__).resolve().parents[2] / "include" / "store"
NAMES = sorted(file.stem for file in STORE.glob("*.json"))
SECRETS = {f"LIFECYCLE_SECRET_{name.upper()}": f"secret of {name}" for name in NAMES}


def access(name: str) -> StoreAccess:
    return StoreAccess(None, name, f"secret of {name}")


def test_each_identity_has_its_own_key_and_policy_and_no_coarse_right() -> None:
    rendered = render_identities(STORE, {name: access(name) for name in NAMES})
    assert [identity["name"] for identity in rendered["identities"]] == NAMES
    for identity in rendered["identities"]:
        assert identity["actions"] == []
        assert identity["policyNames"] == [identity["name"]]
        assert identity["credentials"] == [
            {"accessKey": identity["name"], "secretKey": f"secret of {identity['name']}"}
        ]
    for policy in rendered["policies"]:
        assert json.loads(policy["content"]) == json.loads(
            (STORE / f"{policy['name']}.json").read_text("utf-8")
        )


def test_an_identity_without_a_policy_is_refused() -> None:
    with pytest.raises(ProvisionError, match=r"without a policy file: stranger;.*without a credential: none"):
        render_identities(STORE, {name: access(name) for name in [*NAMES, "stranger"]})


def test_a_policy_without_a_credential_is_refused() -> None:
    with pytest.raises(ProvisionError, match=f"without a credential: {NAMES[0]}$"):
        render_identities(STORE, {name: access(name) for name in NAMES[1:]})


def test_the_evidence_policy_denies_everyone() -> None:
    statements = evidence_policy("kept")["Statement"]
    assert {(s["Effect"], s["Principal"]) for s in statements} == {("Deny", "*")}
    denied = {action for statement in statements for action in statement["Action"]}
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:DeleteBucket"} <= denied
    assert {s["Resource"] for s in statements} == {"arn:aws:s3:::kept", "arn:aws:s3:::kept/*"}


def test_evidence_is_kept_at_least_a_day() -> None:
    with pytest.raises(ProvisionError, match="at least one day, not 0"):
        provision(access("object_admin"), {}, 0)


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "identities.json"
    output.write_text("of an earlier run", "utf-8")
    output.chmod(0o644)
    assert main(["identities", "--output", str(output)], SECRETS) == 0
    assert output.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(output.read_text("utf-8"))["identities"]) == len(NAMES)
    assert "secret" not in capsys.readouterr().out


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_missing_secret_is_named(missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {name: value for name, value in SECRETS.items() if name != missing}
    assert main(["identities", "--output", str(tmp_path / "x.json")], environ) == 1
    assert capsys.readouterr().err == f"the environment variable {missing} is not set\n"
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("days", ["", "soon", "-1"])
def test_a_retention_that_is_no_number_of_days_is_refused(
    days: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        **SECRETS,
        "LIFECYCLE_STORE_URL": "http://127.0.0.1:1",
        "LIFECYCLE_EVIDENCE_RETENTION_DAYS": days,
    }
    assert main(["buckets"], environ) == 1
    assert "LIFECYCLE_EVIDENCE_RETENTION_DAYS" in capsys.readouterr().err
