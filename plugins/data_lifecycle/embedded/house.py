"""The embedded house as a whole: which parts on which ports with which secrets, and the files that say so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from data_lifecycle.embedded import objectstore, ports, postgres, second_provider
from data_lifecycle.embedded.airflow import Airflow, postgres_connection, store_connection
from data_lifecycle.embedded.credentials import Credentials
from data_lifecycle.embedded.home import Home, read_json, write_private
from data_lifecycle.embedded.processes import Component
from data_lifecycle.protocol import tasklogs
from data_lifecycle.settings import Settings

PREFERRED_PORTS = {"airflow": 8080, "postgres": 15432, "store": 18333}
# What no pipeline may use: the studio's own application, the set-up's administrator, and whoever opens evidence.
_NOT_FOR_PIPELINES = frozenset(
    {
        "studio_app",
        "object_app",
        "object_admin",
        "evidence_lookup",
        "payment_reader",
        "duty_officer",
        *second_provider.IDENTITIES,  # theirs are the vendors' connections
    }
)
_DUTIES = {
    "studio_reader": "plans: reads orders, uploads, holds",
    "studio_eraser": "records what is erased; cannot read payments or customers",
    "studio_observer": "writes what was observed",
    "studio_auditor": "reads for assertions, writes nothing",
    "evidence_writer": "records runs and evidence",
    "reviewer": "reads the lifecycle schema",
    "payment_archiver": "reads payments, removes what is archived, keeps the archive's books",
    "payment_vault": "adds locked files to the vault and reads them back; cannot delete",
    "payment_observer": "lists and reads the vault; cannot write or delete",
    "payment_eraser": "deletes exact versions whose lock has ended; cannot read or write",
    "transfer_judge": "judges what was sent to vendors; sees no name, address or file",
    "vendor_clerk": "counts what was sent to vendors; sees no name, address, file or verdict",
    "vendor_eraser": "asks vendors to erase and notes their answers; sees no payment or name",
    "log_sequencer": "puts statements in order and publishes the log's head; nothing else",
    "object_eraser": "lists versions and deletes exact versions; cannot read or write",
    "hold_keeper": "reads holds and the files they name, notes what the store holds; sees no payment or customer",
    "object_holder": "lists versions, puts them under legal hold and lets go; cannot read, write or delete",
    "object_observer": "lists and reads; cannot delete or write",
    "evidence_vault": "adds and reads evidence; cannot delete or shorten retention",
    "log_vault": "adds to the log's folder and reads evidence; cannot delete or shorten retention",
    tasklogs.CONNECTION: "Airflow's own: adds and shows task logs; reads no evidence and cannot delete",
}


@dataclass(frozen=True)
class House:
    """All parts of one state folder."""

    home: Home
    settings: Settings
    credentials: Credentials
    postgres: postgres.PostgresServer
    store: objectstore.ObjectStore
    airflow: Airflow

    @classmethod
    def open(cls, home: Home) -> House:
        """The house of ``home``, with secrets and ports as they were last, generated where there are none.

        A part that runs keeps its port. For one that does not, a port that somebody else took is replaced.
        """
        home.create()
        credentials = Credentials.load(home.secrets_file)
        known = {name: int(port) for name, port in read_json(home.ports_file).items()}
        running = {
            "postgres": postgres.component(home.run, home.logs / "postgres.log"),
            "store": objectstore.component(home.run, home.logs / "objectstore.log"),
            "airflow": Component("api-server", home.run, home.logs / "api-server.log"),
        }
        chosen: dict[str, int] = {}
        for name, preferred in PREFERRED_PORTS.items():
            wanted = known.get(name, preferred)
            alive = name in known and running[name].find() is not None
            chosen[name] = wanted if alive else ports.choose(wanted, taken=chosen.values())
        if chosen != known:
            write_private(home.ports_file, json.dumps(chosen))
        return cls.with_ports(home, credentials, chosen)

    @classmethod
    def with_ports(cls, home: Home, credentials: Credentials, chosen: Mapping[str, int]) -> House:
        """The house with exactly these ports: name → TCP port."""
        settings = Settings.from_env()
        server = postgres.PostgresServer(
            home.postgres,
            chosen["postgres"],
            credentials.superuser,
            postgres.component(home.run, home.logs / "postgres.log"),
        )
        store = objectstore.ObjectStore(
            home.store,
            chosen["store"],
            credentials.store_keys,
            credentials.kek,
            objectstore.component(home.run, home.logs / "objectstore.log"),
            settings,
        )
        database_url = server.url("airflow", role="airflow", password=credentials.airflow_database)
        return cls(
            home,
            settings,
            credentials,
            server,
            store,
            Airflow(
                home,
                chosen["airflow"],
                database_url,
                credentials,
                tasklogs.remote_folder(settings.bucket_evidence),
            ),
        )

    @classmethod
    def existing(cls, home: Home) -> House:
        """The house that ``up`` made, without changing anything. FileNotFoundError if there is none."""
        if not home.secrets_file.exists() or not home.ports_file.exists():
            raise FileNotFoundError(f"nothing is set up in {home.root}: run ./lifecycle up first")
        known = {name: int(port) for name, port in read_json(home.ports_file).items()}
        return cls.with_ports(home, Credentials.load(home.secrets_file), known)

    @property
    def components(self) -> list[Component]:
        """Every server, in the order in which they are to be stopped: users of a part before the part."""
        return [
            *self.airflow.components,
            self.airflow.migration,
            self.store.component,
            self.postgres.component,
        ]

    @property
    def admin_url(self) -> str:
        """libpq URL of the superuser on the studio's database."""
        return self.postgres.url("studio")

    def access(self) -> dict[str, Any]:
        """What the access file holds."""
        return {
            "databases": {
                role: self.postgres.url("studio", role=role, password=password)
                for role, password in self.credentials.roles.items()
            },
            "airflow_database": self.airflow.database_url,
            "stores": {name: asdict(self.store.store_access(name)) for name in self.credentials.identities},
            "buckets": {
                "uploads": self.settings.bucket_uploads,
                "backup": self.settings.bucket_backup,
                "evidence": self.settings.bucket_evidence,
                "vault": self.settings.bucket_vault,
            },
            "airflow": {"url": self.airflow.url, "users_file": str(self.home.users_file)},
        }

    def write_access(self) -> None:
        """Write the access file if it is not as it should be."""
        access = self.access()
        if read_json(self.home.access_file) != access:
            write_private(self.home.access_file, json.dumps(access, indent=1))

    def connections(self) -> dict[str, dict[str, Any]]:
        """Airflow connections by id: one for each duty that a pipeline has."""
        access = self.access()
        databases = {
            role: postgres_connection(url, _DUTIES[role])
            for role, url in access["databases"].items()
            if role not in _NOT_FOR_PIPELINES
        }
        stores = {
            identity: store_connection(keys, _DUTIES[identity])
            for identity, keys in access["stores"].items()
            if identity not in _NOT_FOR_PIPELINES
        }
        return databases | stores | second_provider.connections(access["stores"])
