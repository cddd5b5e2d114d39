"""Time stamping authorities: a real one of ``openssl ts`` behind HTTP, and one that signs whatever one wants signed."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 1, 7, 3, tzinfo=UTC)
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def der(tag: int, *parts: bytes) -> bytes:
    """One value."""
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    width = (size.bit_length() + 7) // 8
    return bytes([tag, 128 + width]) + size.to_bytes(width, "big") + body


def seq(*parts: bytes) -> bytes:
    """SEQUENCE."""
    return der(0x30, *parts)


def num(value: int, tag: int = 2) -> bytes:
    """INTEGER, short as can be."""
    return der(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray([first * 40 + second])
    for arc in rest:
        septets = [arc & 127]
        while arc := arc >> 7:
            septets.append(128 | arc & 127)
        body += bytes(reversed(septets))
    return der(6, bytes(body))


SHA1, SHA256 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"
SHA384, SHA512 = "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"
ECDSA_SHA256, ECDSA_SHA384, RSA = "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.113549.1.1.1"
SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"


def certificate(
    name: str,
    key: PrivateKey,
    by: tuple[x509.Certificate, PrivateKey] | None = None,
    *,
    purposes: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    authority: bool = False,
    depth: int | None = None,
    start: datetime = NOW - timedelta(days=400),
    end: datetime = NOW + timedelta(days=4000),
    usage: bool = True,
    more: x509.ExtensionType | None = None,
) -> x509.Certificate:
    """A certificate; signed by itself unless ``by`` somebody."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (by[0].subject, by[1]) if by else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1 | 1)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(authority, depth), critical=True)
    )
    if usage:
        flags = dict.fromkeys(
            [
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ],
            False,
        )
        flags["key_cert_sign" if authority else "digital_signature"] = True
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
    if purposes and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
    if more is not None:
        builder = builder.add_extension(more, critical=True)
    repeatable = isinstance(signer, ec.EllipticCurvePrivateKey) or None
    return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=repeatable)


def whole(one: x509.Certificate) -> bytes:
    """Its bytes."""
    return one.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True)
class Forge:
    """Signs tokens with ``key``; ``chain`` are its own and further certificates. Any part can be made wrong."""

    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    def info(self, stamped: bytes, at: datetime = NOW, **other: bytes) -> bytes:
        """A TSTInfo. ``other`` replaces parts by name; an empty value leaves one out."""
        parts = {
            "version": num(1),
            "policy": oid("1.2.3.4"),
            "imprint": seq(seq(oid(SHA256), der(5)), der(4, hashlib.sha256(stamped).digest())),
            "serial": num(7),
            "time": der(0x18, f"{at:%Y%m%d%H%M%S}Z".encode()),
            "accuracy": seq(num(1), num(500, 0x80)),
            "ordering": b"",
            "nonce": num(123456),
            "tsa": b"",
            "extensions": b"",
            "more": b"",
        }
        return seq(*(parts | other).values())

    def attributes(self, info: bytes, **other: bytes) -> bytes:
        """Signed attributes, without their tag."""
        digest = der(4, hashlib.sha256(whole(self.chain[0])).digest())
        parts = {
            "content_type": seq(oid(CONTENT_TYPE), der(0x31, oid(TST_INFO))),
            "message_digest": seq(oid(MESSAGE_DIGEST), der(0x31, der(4, hashlib.sha256(info).digest()))),
            "certificate": seq(oid(SIGNING_CERTIFICATE_V2), der(0x31, seq(seq(seq(digest))))),
            "more": b"",
        }
        return b"".join(sorted((parts | other).values()))

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """(kind of signature, signature)."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return RSA, self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return ECDSA_SHA256, self.key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def token(
        self,
        stamped: bytes,
        at: datetime = NOW,
        *,
        info: Mapping[str, bytes] | None = None,
        attributes: Mapping[str, bytes] | None = None,
        change: Callable[[dict[str, bytes]], None] | None = None,
    ) -> bytes:
        """A response. ``change`` edits the parts of response, SignedData and SignerInfo before they are joined."""
        told = self.info(stamped, at, **(info or {}))
        signed = self.attributes(told, **(attributes or {}))
        kind, seal = self.sign(der(0x31, signed))
        own = self.chain[0]
        parts = {
            "status": seq(num(0)),
            "type": oid(SIGNED_DATA),
            "version": num(3),
            "digests": der(0x31, seq(oid(SHA256))),
            "inner_type": oid(TST_INFO),
            "info": der(4, told),
            "certificates": der(0xA0, *sorted(map(whole, self.chain))),
            "revoked": b"",
            "signer_version": num(1),
            "sid": seq(own.issuer.public_bytes(), num(own.serial_number)),
            "digest": seq(oid(SHA256), der(5)),
            "signed": der(0xA0, signed),
            "kind": seq(oid(kind)),
            "seal": der(4, seal),
            "unsigned": b"",
            "second": b"",
        }
        if change is not None:
            change(parts)
        signer = seq(
            *(
                parts[name]
                for name in ("signer_version", "sid", "digest", "signed", "kind", "seal", "unsigned")
            )
        )
        data = seq(
            parts["version"], parts["digests"], seq(parts["inner_type"], der(0xA0, parts["info"])),
            parts["certificates"], parts["revoked"], der(0x31, signer, parts["second"]),
        )  # fmt: skip
        return seq(parts["status"], seq(parts["type"], der(0xA0, data)))


# The same keys every time, so that a failure can be repeated.
ROOT_KEY, TSA_KEY, OTHER_KEY = (ec.derive_private_key(1000 + n, ec.SECP256R1()) for n in range(3))
ROOT = certificate("Time Root", ROOT_KEY, authority=True)
TSA = certificate("Time", TSA_KEY, (ROOT, ROOT_KEY))
FORGE = Forge(TSA_KEY, (TSA, ROOT))
OTHER = Forge(OTHER_KEY, (certificate("Other Time", OTHER_KEY),))


# A real authority -----------------------------------------------------------------------------------------------------

CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ordering = no
tsa_name = {tsa_name}
ess_cert_id_chain = {chain}
signer_digest = {digest}
ess_cert_id_alg = sha256
"""


@dataclass
class OpenSsl:
    """``openssl ts`` with a key of its own below a root and, if there is one, an authority in between."""

    folder: Path
    root: x509.Certificate
    signer: x509.Certificate
    above: tuple[x509.Certificate, ...]
    asked: list[bytes] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, kind: str = "ec", *, between: bool = True, digest: str = "sha256") -> OpenSsl:
        """A new authority; its certificates are valid now."""

        def key() -> PrivateKey:
            if kind == "rsa":
                return rsa.generate_private_key(public_exponent=65537, key_size=2048)
            return ec.generate_private_key(ec.SECP384R1())

        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        times = {"start": now - timedelta(days=2), "end": now + timedelta(days=2)}
        root_key, middle_key, own = key(), key(), key()
        # DER sorts a set, OpenSSL does not: with names that grow, its order is the right one for readers that insist.
        root = certificate(f"{kind} root {'.' * 50}", root_key, authority=True, **times)
        by, above = (root, root_key), ()
        if between:
            middle = certificate(
                f"{kind} middle {'.' * 25}", middle_key, by, authority=True, depth=0, **times
            )
            by, above = (middle, middle_key), (middle,)
        signer = certificate(kind, own, by, **times)
        (folder / "key.pem").write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        for name, listed in (("signer", [signer]), ("chain", [*above, root]), ("root", [root])):
            text = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in listed)
            (folder / f"{name}.pem").write_bytes(text)
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(
            CONFIG.format(
                folder=folder,
                digest=digest,
                tsa_name="yes" if between else "no",
                chain="yes" if between else "no",
            )
        )
        return cls(folder, root, signer, above)

    @property
    def trust(self) -> Path:
        """PEM file of the root."""
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        """What ``openssl ts -reply`` answers."""
        self.asked.append(query)
        (self.folder / "query.tsq").write_bytes(query)
        files = [
            "-queryfile",
            "query.tsq",
            "-signer",
            "signer.pem",
            "-inkey",
            "key.pem",
            "-chain",
            "chain.pem",
        ]
        return self._openssl("-reply", "-config", "tsa.cnf", *files)

    def stamp(self, data: bytes) -> bytes:
        """A token on any bytes, asked for by OpenSSL itself."""
        (self.folder / "data").write_bytes(data)
        return self.reply(self._openssl("-query", "-data", "data", "-sha256", "-cert"))

    def accepts(self, answer: bytes, data: bytes) -> bool:
        """Whether ``openssl ts -verify`` takes the answer."""
        (self.folder / "answer.tsr").write_bytes(answer)
        (self.folder / "data").write_bytes(data)
        try:
            self._openssl("-verify", "-in", "answer.tsr", "-data", "data", "-CAfile", "root.pem",
                          "-untrusted", "chain.pem")  # fmt: skip
        except subprocess.CalledProcessError:
            return False
        return True

    def _openssl(self, *arguments: str) -> bytes:
        done = subprocess.run(["openssl", "ts", *arguments], cwd=self.folder, capture_output=True, check=True)
        return done.stdout


@contextmanager
def serving(answer: Callable[[bytes], Any]) -> Iterator[str]:
    """URL of a server that answers queries; ``answer`` gives the bytes, or (status, bytes)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            given = answer(query)
            status, body = given if isinstance(given, tuple) else (200, given)
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base class calls it so
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
