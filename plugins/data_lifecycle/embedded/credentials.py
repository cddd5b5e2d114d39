"""Secrets of one embedded house: generated once, kept in a file of mode 0600, never printed but by ``up``."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from data_lifecycle.embedded.home import read_json, write_private
from data_lifecycle.embedded.objectstore import IDENTITIES
from data_lifecycle.studio.migrate import LOGIN_ROLES

# Airflow's own three roles: administer, operate, read (and answer when asked: see auth_manager).
USERS = {"admin": "admin", "engineer": "op", "reviewer": "viewer"}


@dataclass(frozen=True)
class Credentials:
    """All generated secrets. Hexadecimal, so that none needs quoting in a URL."""

    superuser: str = field(repr=False)
    roles: Mapping[str, str] = field(repr=False)
    airflow_database: str = field(repr=False)
    identities: Mapping[str, str] = field(repr=False)
    kek: str = field(repr=False)
    users: Mapping[str, str] = field(repr=False)
    fernet_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    jwt_secret: str = field(repr=False)

    @property
    def store_keys(self) -> dict[str, tuple[str, str]]:
        """Identity → (access key, secret key). The access key is the identity's name: it is not a secret."""
        return {identity: (identity, secret) for identity, secret in self.identities.items()}

    @classmethod
    def load(cls, file: Path) -> Credentials:
        """Read ``file``; what is missing in it (all of it, the first time) is generated and written back."""
        known = read_json(file)

        def each(key: str, names: tuple[str, ...]) -> dict[str, str]:
            return {name: known.get(key, {}).get(name) or secrets.token_hex(16) for name in names}

        def one(key: str, size: int = 16) -> str:
            return str(known.get(key) or secrets.token_hex(size))

        complete = cls(
            superuser=one("superuser"),
            roles=each("roles", LOGIN_ROLES),
            airflow_database=one("airflow_database"),
            identities=each("identities", IDENTITIES),
            kek=one("kek", 32),
            users={name: known.get("users", {}).get(name) or secrets.token_hex(6) for name in USERS},
            fernet_key=str(
                known.get("fernet_key") or base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
            ),
            api_secret=one("api_secret", 32),
            jwt_secret=one("jwt_secret", 64),
        )
        content = dict(complete.__dict__)
        if content != known:
            write_private(file, json.dumps(content, indent=1))
        return complete
