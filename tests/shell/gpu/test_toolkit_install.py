"""NVIDIA's toolkit from a repository whose key is checked; apt, gpg and the repository are real."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import EACH_SHELL, run
from support.apt_host import AptHost, possible

from provision.model.change import Change
from provision.model.shell import Reply, Sh
from provision.model.step import parse_lines
from provision.steps.gpu.toolkit.nvidia_toolkit import NvidiaToolkit

Shell = tuple[str, ...]
PACKAGE = "nvidia-container-toolkit"
INSTALL = [Change("toolkit", None, PACKAGE)]
CTK = """#!/bin/sh
[ "$1 $2" = 'cdi generate' ] || exit 1
printf 'kind: nvidia.com/gpu\\n  name: all\\n' >"${3#--output=}"
"""
FOUND = (
    "gpu.driver=580.159.04\ngpu.toolkit=/usr/bin/nvidia-ctk\n"
    "gpu.row.0=0, GPU-0, 1, Disabled, x, NVIDIA H200\n"
    'gpu.docker=28.0.1 ["/etc/cdi"] runc\n'
)
needs_apt = pytest.mark.skipif(
    not possible() or not shutil.which("gpg") or not shutil.which("curl"),
    reason="needs root, mount, apt, gpg and curl",
)


class Vendor:
    """A vendor with a signed repository, as NVIDIA's is laid out.

    Attributes:
        root: what its web server would serve.
        fingerprint: of its key.
    """

    def __init__(self, folder: Path, offers: AptHost) -> None:
        self.root, self.home = folder / "vendor", folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.gpg("--passphrase", "", "--quick-gen-key", "vendor", "rsa2048")
        shown = self.gpg("--with-colons", "--list-keys")
        self.fingerprint = next(
            line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr")
        )
        flat = self.root / f"stable/deb/{debian_architecture()}"
        flat.mkdir(parents=True)
        for path in offers.repository.iterdir():
            shutil.copy(path, flat)
        (flat / "Release").write_bytes(release(flat))
        self.gpg("--clearsign", "-o", str(flat / "InRelease"), str(flat / "Release"))
        self.gpg("--armor", "--output", str(self.root / "gpgkey"), "--export")

    def gpg(self, *words: str) -> str:
        line = ["gpg", "--homedir", str(self.home), "--batch", "--pinentry-mode"]
        done = subprocess.run(
            [*line, "loopback", *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    def end_agent(self) -> None:
        """End the agent that gpg has started for its folder."""
        end = ["gpgconf", "--homedir", str(self.home), "--kill", "gpg-agent"]
        subprocess.run(end, check=True)

    def step(self, **more: str) -> NvidiaToolkit:
        url = f"file://{self.root}"
        about = {
            "deb": f"{url}/stable/deb",
            "key": f"{url}/gpgkey",
            "fingerprint": self.fingerprint,
        }
        return NvidiaToolkit.model_validate({**about, **more, "lock_timeout_s": 0})


def debian_architecture() -> str:
    done = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def release(flat: Path) -> bytes:
    """Return a file Release about the list of packages in *flat*."""
    data = (flat / "Packages").read_bytes()
    sums = f" {hashlib.sha256(data).hexdigest()} {len(data)} Packages\n"
    return f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n{sums}".encode()


@pytest.fixture
def host(tmp_path: Path) -> AptHost:
    (tmp_path / "host").mkdir()
    return AptHost(tmp_path / "host")


@pytest.fixture
def vendor(tmp_path: Path, host: AptHost) -> Iterator[Vendor]:
    (tmp_path / "offers").mkdir()
    offers = AptHost(tmp_path / "offers")
    offers.offer(PACKAGE, needs="libnvidia-container1")
    offers.offer("libnvidia-container1")
    made = Vendor(tmp_path, offers)
    yield made
    made.end_agent()


def applied(shell: Shell, host: AptHost, step: NvidiaToolkit) -> Reply:
    return run(host.shell(shell), step.apply(INSTALL), strict=True)


def status(shell: Shell, host: AptHost) -> str:
    sh = Sh(f"dpkg-query -W -f '${{db:Status-Status}}' {PACKAGE} 2>/dev/null || true")
    return run(host.shell(shell), sh).stdout


@needs_apt
@EACH_SHELL
def test_it_comes_from_the_repository_whose_key_is_the_promised_one(
    shell: Shell, host: AptHost, vendor: Vendor
) -> None:
    done = applied(shell, host, vendor.step())
    assert done.exit == 0, done.stderr
    assert status(shell, host) == "installed"
    listed = host.root / "etc/apt/sources.list.d/provision-nvidia-toolkit.list"
    assert "signed-by=/etc/apt/keyrings/provision-nvidia" in listed.read_text()
    noted = Path(os.environ["PROVISION_MANIFEST"], "manifest").read_text()
    assert f"absent package:{PACKAGE}" in noted
    assert f"absent path:/etc/apt/sources.list.d/{listed.name}" in noted
    again = applied(shell, host, vendor.step())
    assert again.exit == 0, again.stderr


@needs_apt
@EACH_SHELL
def test_another_key_is_refused_before_apt_knows_of_it(
    shell: Shell, host: AptHost, vendor: Vendor
) -> None:
    other = "C95B321B61E88C1809C4F759DDCAE044F796ECB0"
    step = vendor.step(fingerprint=other)
    done = applied(shell, host, step)
    assert done.exit == 1
    assert f"promised {other}" in done.stderr
    assert f"found    {vendor.fingerprint}" in done.stderr
    assert "new key" in step.advice(done.stderr)
    assert list((host.root / "etc/apt/sources.list.d").iterdir()) == []
    assert status(shell, host) != "installed"


@needs_apt
@EACH_SHELL
def test_a_key_beside_the_promised_one_is_refused(
    shell: Shell, host: AptHost, vendor: Vendor
) -> None:
    vendor.gpg("--passphrase", "", "--quick-gen-key", "somebody", "rsa2048")
    (vendor.root / "gpgkey").unlink()
    vendor.gpg("--armor", "--output", str(vendor.root / "gpgkey"), "--export")
    done = applied(shell, host, vendor.step())
    assert done.exit == 1
    assert done.stderr.count("  found ") == 2 and "  promised " in done.stderr


@needs_apt
@EACH_SHELL
def test_a_page_that_is_no_key_is_refused(
    shell: Shell, host: AptHost, vendor: Vendor
) -> None:
    (vendor.root / "gpgkey").write_text("<html>log in first</html>\n")
    done = applied(shell, host, vendor.step())
    assert done.exit == 1
    assert "no OpenPGP key" in done.stderr


@needs_apt
@EACH_SHELL
def test_a_host_whose_own_index_has_it_gets_no_other_repository(
    shell: Shell, host: AptHost, vendor: Vendor
) -> None:
    host.offer(PACKAGE)
    done = applied(shell, host, vendor.step())
    assert done.exit == 0, done.stderr
    assert status(shell, host) == "installed"
    assert list((host.root / "etc/apt/sources.list.d").iterdir()) == []


def cdi_made(shell: Shell, tmp_path: Path, program: str) -> tuple[Reply, Path]:
    """The reply of the change that makes an outdated CDI file again, and the file."""
    tools, path = tmp_path / "tools", tmp_path / "cdi/nvidia.yaml"
    for folder in (tools, path.parent):
        folder.mkdir()
    (tools / "nvidia-ctk").write_text(program)
    (tools / "nvidia-ctk").chmod(0o755)
    path.write_text("old\n")
    state = {**parse_lines(FOUND), f"gpu.cdi.{path}": "550.54.15 0 all"}
    step = NvidiaToolkit()
    changes = step.plan(state)
    assert [str(c) for c in changes] == [f"{path}: 550.54.15 0 all -> 580.159.04 0 all"]
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return run(shell, step.apply(changes), strict=True, env=env), path


@EACH_SHELL
def test_a_cdi_file_of_another_driver_is_made_again_where_it_is(
    shell: Shell, tmp_path: Path
) -> None:
    done, path = cdi_made(shell, tmp_path, CTK)
    assert done.exit == 0, done.stderr
    assert "name: all" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644


@EACH_SHELL
def test_a_generator_that_fails_leaves_the_old_file(
    shell: Shell, tmp_path: Path
) -> None:
    failing = "#!/bin/sh\necho 'failed to locate driver' >&2\nexit 1\n"
    done, path = cdi_made(shell, tmp_path, failing)
    assert done.exit == 1
    assert "failed to locate driver" in done.stderr
    assert path.read_text() == "old\n"
