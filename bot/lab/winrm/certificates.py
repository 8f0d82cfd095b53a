"""The lab's certificate authority: one per lab, one certificate for all its hosts, client certificates on demand.

Keys live in memory and, for clients, in the folder given. Nothing here is fit for anything but a lab on loopback.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=30)
_SKEW = timedelta(days=1)
_SIGNING = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class ServerTls:
    """What an endpoint needs to speak TLS.

    Attributes:
        certificate: the certificate in DER form, for channel bindings.
    """

    context: ssl.SSLContext
    certificate: bytes


class Authority:
    """Signs the lab's certificates.

    Attributes:
        ca_file: PEM file of the authority's own certificate; clients trust this.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = generate_private_key(SECP256R1())
        self._name = _named("Ferry lab authority")
        self._certificate = self._sign_own()
        self.ca_file = folder / "lab-ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        self.server = self.server_for("localhost", "127.0.0.1")

    def client_certificate(self, user: str) -> tuple[Path, Path]:
        """Files of a certificate that logs a user on, and of its key, readable by this user only."""
        key = generate_private_key(SECP256R1())
        certificate = self._sign(key, user, ExtendedKeyUsageOID.CLIENT_AUTH, ())
        stem = "".join(letter if letter.isalnum() else "-" for letter in user)
        certificate_file, key_file = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        key_file.touch(mode=0o600)
        key_file.write_bytes(_pem(key))
        return certificate_file, key_file

    def server_for(self, *names: str, since: timedelta = -_SKEW, until: timedelta = _VALID) -> ServerTls:
        """A server that proves to be these names and addresses, from and until so long from now."""
        key = generate_private_key(SECP256R1())
        addresses = tuple(_general_name(name) for name in names)
        certificate = self._sign(key, names[0], ExtendedKeyUsageOID.SERVER_AUTH, addresses, since, until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_OPTIONAL  # client certificates are asked for, and have to be of this authority
        context.load_verify_locations(cadata=self._certificate.public_bytes(Encoding.PEM).decode())
        handle, path = tempfile.mkstemp(suffix=".pem")  # the ssl module reads keys from files only
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(certificate.public_bytes(Encoding.PEM) + _pem(key))
            context.load_cert_chain(path)
        finally:
            Path(path).unlink()
        return ServerTls(context, certificate.public_bytes(Encoding.DER))

    def _sign_own(self) -> x509.Certificate:
        public = self._key.public_key()
        return (
            _dated(x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name).public_key(public))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_SIGNING, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _sign(
        self,
        key: EllipticCurvePrivateKey,
        common_name: str,
        purpose: x509.ObjectIdentifier,
        addresses: tuple[x509.GeneralName, ...],
        since: timedelta = -_SKEW,
        until: timedelta = _VALID,
    ) -> x509.Certificate:
        public, issuer = key.public_key(), self._key.public_key()
        builder = (
            _dated(
                x509.CertificateBuilder().subject_name(_named(common_name)).issuer_name(self._name).public_key(public),
                since,
                until,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        )
        if addresses:
            builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _dated(
    builder: x509.CertificateBuilder, since: timedelta = -_SKEW, until: timedelta = _VALID
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now + since).not_valid_after(now + until)


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
