"""Certificates are made once, renewed before their end, and good for TLS both ways."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from provision.errors import SecretError
from provision.secrets.certificates import RENEW_DAYS, Certificate, Certificates
from provision.secrets.signing import AUTHORITY_DAYS, HOST_DAYS

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass(frozen=True)
class At:
    name: str = "node1"
    address: str = "10.0.0.1"


def store(folder: Path, *, keep: bool = True, days: float = 0) -> Certificates:
    """The certificates of one cluster, *days* after the first deploy."""
    now = NOW + timedelta(days=days)
    return Certificates(folder / "tls", "lab", keep=keep, clock=lambda: now)


def read(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.certificate.encode())


def test_what_was_made_is_kept_and_then_the_same(tmp_path: Path) -> None:
    first = store(tmp_path).of(At())
    again = store(tmp_path, days=HOST_DAYS - RENEW_DAYS - 1, keep=False).of(At())
    assert first == again
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    modes = {f.name: f.stat().st_mode & 0o777 for f in (tmp_path / "tls").iterdir()}
    assert modes == {"authority.pem": 0o600, "host-node1.pem": 0o600}


def test_a_run_that_only_looks_keeps_nothing(tmp_path: Path) -> None:
    looking = store(tmp_path, keep=False)
    assert looking.new
    assert looking.of(At()) == looking.of(At())
    assert not (tmp_path / "tls").exists()


def test_hosts_share_the_authority_and_nothing_else(tmp_path: Path) -> None:
    made = store(tmp_path)
    one, two = made.of(At()), made.of(At("node2", "10.0.0.2"))
    assert one.authority == two.authority
    assert one.key.get_secret_value() != two.key.get_secret_value()
    assert "PRIVATE" not in one.certificate + one.authority
    assert "PRIVATE" not in repr(one)


def test_a_certificate_near_its_end_is_made_anew_and_told(tmp_path: Path) -> None:
    first = store(tmp_path).of(At())
    late = HOST_DAYS - RENEW_DAYS + 1
    looking = store(tmp_path, days=late, keep=False)
    assert looking.of(At()) != first, "a plan shows it"
    assert looking.told == [
        "the certificate of node1 ends 2027-11-25: the next deploy makes a new one"
    ]
    renewing = store(tmp_path, days=late)
    second = renewing.of(At())
    assert renewing.told[0].endswith("a new one was made")
    assert second.authority == first.authority
    assert store(tmp_path, days=late).of(At()) == second
    assert read(second).not_valid_after_utc > read(first).not_valid_after_utc


def test_a_certificate_never_outlives_its_authority(tmp_path: Path) -> None:
    first = store(tmp_path).of(At())
    late = AUTHORITY_DAYS - HOST_DAYS - RENEW_DAYS + 1
    second = store(tmp_path, days=late).of(At())
    assert second.authority != first.authority
    end = x509.load_pem_x509_certificate(second.authority.encode()).not_valid_after_utc
    assert read(second).not_valid_after_utc < end


def test_another_address_needs_another_certificate(tmp_path: Path) -> None:
    first = store(tmp_path).of(At())
    moved = store(tmp_path).of(At(address="ray1.lan"))
    assert moved.certificate != first.certificate
    kind = x509.SubjectAlternativeName
    names = read(moved).extensions.get_extension_for_class(kind).value
    assert names.get_values_for_type(x509.DNSName) == ["ray1.lan", "localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == [
        *("127.0.0.1", "::1")
    ]


def test_a_lost_authority_takes_the_certificates_with_it(tmp_path: Path) -> None:
    first = store(tmp_path).of(At())
    (tmp_path / "tls/authority.pem").unlink()
    second = store(tmp_path).of(At())
    assert second.authority != first.authority
    read(second).verify_directly_issued_by(
        x509.load_pem_x509_certificate(second.authority.encode())
    )


@pytest.mark.parametrize("name", ["authority", "host-node1"])
def test_a_file_that_is_broken_or_open_to_others_is_refused(
    tmp_path: Path, name: str
) -> None:
    store(tmp_path).of(At())
    file = tmp_path / f"tls/{name}.pem"
    file.chmod(0o644)
    with pytest.raises(SecretError, match="others may read"):
        store(tmp_path).of(At())
    file.chmod(0o600)
    file.write_text("-----BEGIN")
    with pytest.raises(SecretError, match=rf"{name}.pem: no key with its certificate"):
        store(tmp_path).of(At())


def test_the_name_of_a_host_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    store(tmp_path).of(At("../../x"))
    assert {path.parent for path in tmp_path.rglob("*.pem")} == {tmp_path / "tls"}


def context(folder: Path, made: Certificate, purpose: ssl.Purpose) -> ssl.SSLContext:
    folder.mkdir()
    for name, text in (
        ("ca", made.authority),
        ("crt", made.certificate),
        ("key", made.key.get_secret_value()),
    ):
        (folder / name).write_text(text)
    found = ssl.create_default_context(purpose, cafile=str(folder / "ca"))
    found.verify_mode = ssl.CERT_REQUIRED
    found.load_cert_chain(folder / "crt", folder / "key")
    return found


def test_two_hosts_trust_each_other_and_no_stranger(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "tls", "lab", keep=True)
    other = Certificates(tmp_path / "tls2", "lab", keep=True)
    server = context(
        tmp_path / "s", made.of(At(address="127.0.0.1")), ssl.Purpose.CLIENT_AUTH
    )
    friend = context(tmp_path / "c", made.of(At("node2")), ssl.Purpose.SERVER_AUTH)
    stranger = context(tmp_path / "x", other.of(At()), ssl.Purpose.SERVER_AUTH)
    assert said(server, friend) == b"hello"
    with pytest.raises(ssl.SSLError):
        said(server, stranger)


def said(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    """Return the bytes that the server gets from the client, over TLS."""
    got: list[bytes] = []

    def serve() -> None:
        link, _ = listener.accept()
        try:
            with server.wrap_socket(link, server_side=True) as safe:
                got.append(safe.recv(9))
        except ssl.SSLError:
            link.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            address = listener.getsockname()
            with (
                socket.create_connection(address, 5) as link,
                client.wrap_socket(link, server_hostname="127.0.0.1") as safe,
            ):
                safe.sendall(b"hello")
        finally:
            thread.join(5)
    return got[0]
