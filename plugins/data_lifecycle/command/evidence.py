"""``./lifecycle evidence``: what a compliance reviewer and the keeper of the keys type.

Nothing that is printed names a person, an order or a file; only the file of an opening does.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

from data_lifecycle.protocol.house import House, PromiseBroken
from data_lifecycle.settings import Settings

_Main = Callable[[argparse.Namespace], int]


class NotDone(RuntimeError):
    """What was asked for was not done; the message says why and names nobody."""


def add_to(verbs: Any) -> None:
    """Declare the verb."""
    verb = verbs.add_parser(
        "evidence", help="export, verify and open evidence; its keys; the state of the log"
    )
    what = verb.add_subparsers(metavar="WHAT", required=True)

    export = what.add_parser("export", help="write a bundle: the log, or one period of it, with all proofs")
    export.add_argument(
        "--from", dest="start", type=_day, metavar="DAY", help="first day, UTC, like 2026-01-31"
    )
    export.add_argument(
        "--to", dest="end", type=_day, metavar="DAY", help="day up to which, itself not included"
    )
    export.add_argument(
        "--since", type=Path, metavar="FILE", help="the checkpoint that the reviewer kept last time"
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="for example bundle.zip")
    export.set_defaults(main=main_export)

    verify = what.add_parser(
        "verify", help="verify a bundle, as lifecycle_verify.py does alone", add_help=False
    )
    verify.set_defaults(main=main_verify, passes_on=True)

    opened = what.add_parser("open", help="open one order's items for one reviewer: personal data")
    opened.add_argument("--order", required=True, metavar="ID", help="the order")
    opened.add_argument("--file", metavar="KEY", help="only items of this file (object key)")
    opened.add_argument(
        "--purpose", required=True, type=_purpose, metavar="TEXT", help="why; kept, so name nobody"
    )
    opened.add_argument("--out", type=Path, required=True, metavar="FILE", help="for example opening.json")
    opened.set_defaults(main=main_open)

    trust = what.add_parser("trust", help="write the trust file: public keys, for the reviewer")
    trust.add_argument("--out", type=Path, required=True, metavar="FILE", help="for example trust.json")
    trust.set_defaults(main=main_trust)

    verifier = what.add_parser("verifier", help="write a copy of the verifier: one file, needs no house")
    verifier.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="for example lifecycle_verify.py"
    )
    verifier.set_defaults(main=main_verifier)

    rotate = what.add_parser("rotate", help="replace a signing key; again after an interruption: go on")
    rotate.add_argument("--role", required=True, choices=("attester", "log"), help="whose key")
    rotate.set_defaults(main=main_rotate)

    status = what.add_parser("status", help="head, entries, last heartbeat, what is not stored or published")
    status.set_defaults(main=main_status)

    recover = what.add_parser(
        "recover", help="after the whole database was restored: learn from the locked bucket what it forgot"
    )
    recover.set_defaults(main=main_recover)


def discreet(main: _Main) -> _Main:
    """Let out no error whose text is not ours: databases and stores quote what they stumble over."""

    @wraps(main)
    def guarded(arguments: argparse.Namespace) -> int:
        import psycopg2
        from botocore.exceptions import BotoCoreError, ClientError

        from data_lifecycle.evidence.checkpoint import CheckpointError
        from data_lifecycle.evidence.commitment import OpeningError

        try:
            return main(arguments)
        except (PromiseBroken, CheckpointError, OpeningError) as error:
            raise NotDone(str(error)) from None
        except psycopg2.Error as error:
            code = f", SQLSTATE {error.pgcode}" if error.pgcode else ": is it up? ./lifecycle status"
            raise NotDone(f"the database did not do it ({type(error).__name__}{code})") from None
        except (BotoCoreError, ClientError) as error:
            raise NotDone(f"the object store did not do it ({type(error).__name__})") from None

    return guarded


@discreet
def main_export(arguments: argparse.Namespace) -> int:
    """Write a bundle with the reviewer's role."""
    from data_lifecycle.evidence.bundle import export
    from data_lifecycle.evidence.checkpoint import parse
    from data_lifecycle.evidence.lifecycle_verify import unpack

    if (arguments.start is None) != (arguments.end is None):
        raise NotDone("--from and --to belong together")
    period = None if arguments.start is None else (arguments.start, arguments.end)
    since = () if arguments.since is None else (parse(arguments.since.read_bytes())[0].size,)
    bundle = export(_house().connections.database("reviewer"), period, since)
    arguments.out.write_bytes(bundle)
    files = unpack(bundle)
    entries = sum(name.startswith("entries/") for name in files)
    size = parse(files["checkpoint"])[0].size
    print(f"{arguments.out}: {entries} of {size} entries, {len(bundle)} bytes")
    print("Personal data: none. Keep the checkpoint in it, and give it as --since the next time.")
    return 0


def main_verify(arguments: argparse.Namespace) -> int:
    """The verifier's own answer; needs no house."""
    from data_lifecycle.evidence import lifecycle_verify

    return lifecycle_verify.main(arguments.rest)


@discreet
def main_open(arguments: argparse.Namespace) -> int:
    """Issue an opening and record its release."""
    from data_lifecycle.embedded.home import write_private
    from data_lifecycle.evidence.opening import release

    _refuse_missing_folder(arguments.out)
    released = release(_house(), arguments.order, arguments.file, arguments.purpose, _user())
    write_private(arguments.out, released.opening.to_json().decode())
    for case in released.opening.cases:
        print(f"case {case.case}: {len(case.items)} of {case.count} items opened, release recorded")
    if released.lost:
        print(
            f"cases of this order that nobody can open any more, their salts are destroyed: {released.lost}"
        )
    print(
        f"{arguments.out}: personal data, readable by you alone. Give it to that reviewer, and to nobody else."
    )
    return 0


@discreet
def main_trust(arguments: argparse.Namespace) -> int:
    """Write the trust file and say the keys' ids, so that they can be compared by voice."""
    from data_lifecycle.evidence.trusting import list_keys, trust_file

    house = _house()
    listed = list_keys(house.settings, house.connections.database("reviewer"))
    arguments.out.write_bytes(trust_file(house.settings, listed))
    for key in listed:
        until = "in force" if key.valid_to is None else f"until {_moment(key.valid_to)}"
        print(f"{key.role:<8} {key.id} from {_moment(key.valid_from)}, {until}")
    print(
        f"{arguments.out}: hand it over on another way than the bundle, or read these ids out on the phone."
    )
    print("Whoever can change both on their way can make up a log of their own.")
    return 0


def main_verifier(arguments: argparse.Namespace) -> int:
    """Copy the verifier."""
    import hashlib

    from data_lifecycle.evidence import lifecycle_verify

    shutil.copyfile(lifecycle_verify.__file__, arguments.out)
    digest = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    print(f"{arguments.out}: sha256 {digest}")
    print("Needs Python 3.9 or later and the package cryptography; no network, no database.")
    return 0


@discreet
def main_rotate(arguments: argparse.Namespace) -> int:
    """Replace a key."""
    from data_lifecycle.evidence.rotating import rotate

    done = rotate(_house(), arguments.role)
    if done.resumed:
        print("A change that was interrupted is finished; none was begun.")
    print(f"{done.role:<8} {done.old} signs nothing any more")
    print(f"{done.role:<8} {done.new} signs from now on; the change is in the log, signed by both")
    print("Trust files handed out before still hold. Give the new private key to every worker that signs.")
    return 0


@discreet
def main_status(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb is called alike
    """Say how the log is. 0 if everything stated is stored and published and no day is missing, 1 if not."""
    from data_lifecycle.database import connect, fetch_one
    from data_lifecycle.evidence.lifecycle_verify import HEARTBEAT

    with connect(_house().connections.database("reviewer"), "evidence status") as connection:
        found = fetch_one(connection, "evidence_log/read_status", heartbeat=HEARTBEAT)
    size, root, beat = found["published_size"], found["root"], found["last_heartbeat"]
    head = "none yet" if size is None else f"{size} entries, root {bytes(root).hex()}"
    print(f"head            {head}")
    print(f"published       {'never' if size is None else _moment(found['published_at'])}")
    waiting = found["tree_size"] - (size or 0) + found["unsequenced"]
    print(f"entries         {found['tree_size']}, and {waiting} statements not under a published head")
    print(f"last heartbeat  {'never' if beat is None else _moment(beat)}")
    print(f"not stored      {found['unstored']} statements")
    print(f"days without    {found['missing']} not declared, {found['gaps']} declared")
    return 0 if size is not None and not (waiting or found["unstored"] or found["missing"]) else 1


@discreet
def main_recover(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb is called alike
    """Rebuild the log of a restored database, and sign on."""
    from data_lifecycle.connections import DatabaseAccess
    from data_lifecycle.embedded.home import Home
    from data_lifecycle.embedded.house import House as EmbeddedHouse
    from data_lifecycle.evidence.recovery import recover
    from data_lifecycle.protocol import ledger

    house = _house()
    admin = (
        os.environ.get("LIFECYCLE_ADMIN_DATABASE_URL") or EmbeddedHouse.existing(Home.from_env()).admin_url
    )
    done = recover(house, DatabaseAccess(admin))
    print(f"log             {done.entries} entries, each under a head that the log's key signed")
    print(
        f"brought back    {done.statements} statements, {done.checkpoints} heads; {done.replaced} places were others'"
    )
    print(f"withdrawn       {len(done.withdrawn)} statements that were never published")
    print(f"cases           {done.closed} closed and {done.reopened} opened again, as the log says")
    print(
        f"lost for good   {done.unopenable} cases of the log: this database has neither them nor their salts"
    )
    print(f"next run        {done.next_run}")
    head = ledger.publish(house).head
    print(f"signed on       {head.size if head else 0} entries")
    print("Now trigger evidence_audit with everything, then photo_purge: docs/runbooks/restore.md")
    return 0


def _house() -> House:
    settings = Settings.from_env()
    if not settings.access_file.exists():
        raise FileNotFoundError(f"nothing is set up in {settings.home}: run ./lifecycle up first")
    return House.of_files(settings)


def _user() -> str:
    """The login user of this machine, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a user without a name
        return f"uid {os.getuid()}"


def _refuse_missing_folder(file: Path) -> None:
    """Before anything is recorded: the file must have a place to be written to."""
    if not file.parent.is_dir() or file.is_dir() or not os.access(file.parent, os.W_OK):
        raise NotDone("--out names a place that cannot be written to")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError("not a day like 2026-01-31") from error


def _purpose(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why")
    return text.strip()
