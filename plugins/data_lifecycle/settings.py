"""Where things are: read once from the environment, the same for Airflow, the command line and tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths, bucket names, and what the evidence log is called.

    ``home`` holds all state; ``include`` the policy, SQL and suites; ``data_docs`` where Great Expectations writes its
    pages. ``attester_key`` and ``log_key`` are private Ed25519 keys (PEM) of those who sign statements and the log's
    head. ``log_origin`` names the log for good (a URL without a scheme); ``log_folder`` is its place in the evidence
    bucket. ``timestamp_url`` is an RFC 3161 authority, None for none; ``timestamp_trust`` its root certificates (PEM).
    ``bucket_vault`` holds archived payments below ``vault_folder``, encrypted as ``vault_encryption`` says: ``sse-s3``,
    ``sse-kms:<key>``, ``none``.
    Every field can be set by an environment variable ``LIFECYCLE_<FIELD>`` (``LIFECYCLE_HOME``, …).
    """

    home: Path
    include: Path
    attester_key: Path
    data_docs: Path
    bucket_uploads: str
    bucket_backup: str
    bucket_evidence: str
    bucket_vault: str
    vault_encryption: str
    vault_folder: str
    log_key: Path
    log_origin: str
    log_folder: str
    timestamp_url: str | None
    timestamp_trust: Path | None
    approvers: tuple[str, ...] = ("reviewer",)

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

        trust = env.get("LIFECYCLE_TIMESTAMP_TRUST")
        return cls(
            home=home,
            include=path("INCLUDE", REPOSITORY / "include"),
            attester_key=path("ATTESTER_KEY", home / "keys" / "attester.ed25519.pem"),
            data_docs=path("DATA_DOCS", home / "data_docs"),
            bucket_uploads=env.get("LIFECYCLE_BUCKET_UPLOADS") or "studio-uploads",
            bucket_backup=env.get("LIFECYCLE_BUCKET_BACKUP") or "studio-backup",
            bucket_evidence=env.get("LIFECYCLE_BUCKET_EVIDENCE") or "lifecycle-evidence",
            bucket_vault=env.get("LIFECYCLE_BUCKET_VAULT") or "lifecycle-vault",
            vault_encryption=env.get("LIFECYCLE_VAULT_ENCRYPTION") or "sse-s3",
            vault_folder=env.get("LIFECYCLE_VAULT_FOLDER") or "payments",
            log_key=path("LOG_KEY", home / "keys" / "log.ed25519.pem"),
            log_origin=env.get("LIFECYCLE_LOG_ORIGIN") or "xmanart.com/lifecycle",
            log_folder=env.get("LIFECYCLE_LOG_FOLDER") or "log",
            timestamp_url=env.get("LIFECYCLE_TIMESTAMP_URL") or None,
            timestamp_trust=Path(trust).absolute() if trust else None,
            approvers=tuple(filter(None, (env.get("LIFECYCLE_APPROVERS") or "reviewer").split(","))),
        )
