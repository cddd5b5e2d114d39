"""A real object store of its own, with the identities and rights that the house gives."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data_lifecycle.connections import StoreAccess
from data_lifecycle.objects.model import ObjectVersion
from data_lifecycle.objects.provision import render_identities
from data_lifecycle.objects.store import client

POLICIES = Path(__file__).parents[3] / "include" / "store"
UPLOADS = "studio-uploads"
BACKUP = "studio-backup"


@dataclass(frozen=True)
class Store:
    """The running store: an access for each identity, and an administrator's boto3 client."""

    access: dict[str, StoreAccess]
    admin: Any


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_until_usable(process: subprocess.Popen[bytes], admin: Any, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if not admin.list_buckets()["Buckets"]:
                admin.create_bucket(Bucket=UPLOADS)
            admin.put_object(Bucket=UPLOADS, Key="ready", Body=b"")
        except Exception:  # noqa: BLE001 - anything may go wrong while it starts
            time.sleep(0.3)
        else:
            admin.delete_object(Bucket=UPLOADS, Key="ready")
            return
    pytest.fail(f"the object store did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("object-store")
    (home / "data").mkdir()
    (home / "security.toml").write_text(f'[s3.sse]\nkek = "{secrets.token_hex(32)}"\n')
    ports = _free_ports(8)
    url = f"http://127.0.0.1:{ports[6]}"
    access = {
        file.stem: StoreAccess(url, file.stem, secrets.token_hex(16), "us-east-1")
        for file in POLICIES.glob("*.json")
    }
    (home / "s3.json").write_text(json.dumps(render_identities(POLICIES, access)))
    names = ("master.port", "volume.port", "filer.port", "s3.port")
    numbers = [
        option
        for name, (port, grpc) in zip(names, zip(ports[::2], ports[1::2], strict=True), strict=True)
        for option in (f"-{name}={port}", f"-{name}.grpc={grpc}")
    ]
    weed = Path(sys.executable).parent / "weed"
    log = home / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(weed if weed.exists() else shutil.which("weed")),
                *(
                    "server",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    f"-dir={home / 'data'}",
                    *numbers,
                    "-filer",
                    "-s3",
                ),
                *(f"-s3.config={home / 's3.json'}", "-volume.max=0", "-master.volumeSizeLimitMB=64"),
                *("-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            ],
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        admin = client(access["object_admin"])
        _wait_until_usable(process, admin, log)
        admin.create_bucket(Bucket=BACKUP)
        for bucket in (UPLOADS, BACKUP):
            admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield Store(access, admin)
    finally:
        process.kill()  # its data is thrown away: no reason to wait for it to close down in good order
        process.wait(20)


@pytest.fixture
def prefix() -> str:
    """A prefix nobody else uses."""
    return f"orders/{secrets.token_hex(6)}/"


def version_of(key: str, version_id: str, bucket: str = UPLOADS) -> ObjectVersion:
    return ObjectVersion(bucket, key, "version", version_id, 0, datetime.now(UTC), True)
