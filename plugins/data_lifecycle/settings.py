"""Where things are: read once from the environment, the same for Airflow, the command line and tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths and bucket names.

    ``home`` holds all state; ``include`` the policy, SQL and suites; ``attester_key`` the private Ed25519 key (PEM);
    ``data_docs`` where Great Expectations writes its pages. Every field can be set by an environment variable
    ``LIFECYCLE_<FIELD>`` (``LIFECYCLE_HOME``, ``LIFECYCLE_BUCKET_UPLOADS``, …).
    """

    home: Path
    include: Path
    attester_key: Path
    data_docs: Path
    bucket_uploads: str
    bucket_backup: str
    bucket_evidence: str

    @property
    def photo_buckets(self) -> tuple[str, str]:
        """Buckets in which customers' files live: uploads and their backup copies (policy 3.1, 3.2)."""
        return (self.bucket_uploads, self.bucket_backup)

    @property
    def policy_dir(self) -> Path:
        """Folder of all policy versions."""
        return self.include / "policy"

    @property
    def access_file(self) -> Path:
        """File with addresses and credentials of the embedded servers, readable by its owner only."""
        return self.home / "access.json"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; unset variables take defaults below the repository."""
        env = os.environ if environ is None else environ
        home = Path(env.get("LIFECYCLE_HOME") or REPOSITORY / ".lifecycle").absolute()

        def path(name: str, default: Path) -> Path:
            return Path(env.get(f"LIFECYCLE_{name}") or default).absolute()

        return cls(
            home=home,
            include=path("INCLUDE", REPOSITORY / "include"),
            attester_key=path("ATTESTER_KEY", home / "keys" / "attester.ed25519.pem"),
            data_docs=path("DATA_DOCS", home / "data_docs"),
            bucket_uploads=env.get("LIFECYCLE_BUCKET_UPLOADS") or "studio-uploads",
            bucket_backup=env.get("LIFECYCLE_BUCKET_BACKUP") or "studio-backup",
            bucket_evidence=env.get("LIFECYCLE_BUCKET_EVIDENCE") or "lifecycle-evidence",
        )
