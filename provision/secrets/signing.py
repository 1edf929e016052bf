"""Issuing: a certificate for an authority, and from an authority for a host."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
HOST_DAYS = 365
SKEW = timedelta(days=1)
"""So far the clocks of hosts may be behind ours."""


class Addressed(Protocol):
    """A host of the inventory."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def end(self) -> datetime:
        return self.certificate.not_valid_after_utc

    def pem(self) -> str:
        """The certificate alone, which is no secret."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def issue_authority(cluster: str, now: datetime) -> Pair:
    """A new authority that signs its own certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(f"cluster {cluster}")
    use = x509.KeyUsage(
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
    builder = (
        _dated(subject, subject, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(use, critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(host: Addressed, authority: Pair, now: datetime) -> Pair:
    """A new certificate for *host*, which is client and server to the others."""
    key = ec.generate_private_key(ec.SECP256R1())
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    signer = authority.certificate.public_key()
    builder = (
        _dated(_subject(host.name), authority.certificate.subject, key, now, HOST_DAYS)
        .add_extension(x509.SubjectAlternativeName(names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer),  # type: ignore[arg-type]
            critical=False,
        )
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def names(host: Addressed) -> list[x509.GeneralName]:
    """Return the subject alternative names of *host*, for others and its own processes."""
    found = [_name(host.address), _name("localhost"), _name("127.0.0.1"), _name("::1")]
    return list(dict.fromkeys(found))


def _name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _dated(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
    )


def names_in(pair: Pair) -> list[x509.GeneralName]:
    """Return the subject alternative names in a certificate."""
    kind = x509.SubjectAlternativeName
    try:
        return list(pair.certificate.extensions.get_extension_for_class(kind).value)
    except x509.ExtensionNotFound:
        return []


def is_signed(pair: Pair, authority: Pair) -> bool:
    """Return True if *authority* has issued *pair*."""
    try:
        pair.certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
