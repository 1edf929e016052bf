"""The kernel and the disk of hosts with a kernel of their own, made once and kept."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MADE_OF = ("image.py", "guest_init.sh", "xstate.c")
KERNEL_PACKAGE = "user-mode-linux"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2"),
    *("procps", "kmod", "nfs-kernel-server", "nfs-common"),
)
MODULES = ("fs", "lib", "net/sunrpc", "net/dns_resolver")
"""Folders of the kernel's modules that NFS and its dependencies are in."""
SUITE = "bookworm"
MASKED = (
    *("getty.target", "systemd-udevd.service", "systemd-udev-trigger.service"),
    *("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer"),
    *("e2scrub_all.timer", "fstrim.timer"),
)
DISK_SIZE = "800M"
LIMIT_S = 900
PROGRAMS = ("mmdebstrap", "mke2fs", "apt-get", "dpkg", "ssh-keygen", "ip", "nsenter")


@dataclass(frozen=True)
class Image:
    """The files that a host is started from."""

    folder: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "kernel" / "usr/bin/linux.uml"

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def key(self) -> Path:
        """Private key to log in as root, and the only host key."""
        return self.folder / "key"

    @property
    def registers(self) -> Path | None:
        """The library that the kernel needs on this processor; None = it needs none."""
        return self.folder / "xstate.so" if _has_amx() else None


def missing() -> str:
    """Return why this machine can have no such hosts; "" = it can."""
    if os.geteuid() or platform.machine() != "x86_64":
        return "needs root on x86-64"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    programs = [*PROGRAMS, *(["cc"] if _has_amx() else [])]
    absent = [name for name in programs if not shutil.which(name, path=path)]
    return f"needs {', '.join(absent)}" if absent else ""


def _has_amx() -> bool:
    return "amx_tile" in Path("/proc/cpuinfo").read_text()


def made(cache: Path) -> Image:
    """Return the image in *cache*; make it if it is not there, which takes a minute or two."""
    texts = [(HERE / name).read_bytes() for name in MADE_OF]
    digest = hashlib.sha256(b"".join(texts)).hexdigest()[:12]
    image = Image(cache / f"kernel-hosts-{digest}")
    if not image.folder.exists():
        for old in cache.glob("kernel-hosts-*"):
            shutil.rmtree(old)
        part = Image(cache / "kernel-hosts-part")
        part.folder.mkdir(parents=True)
        _make(part)
        part.folder.rename(image.folder)
    return image


def _run(*words: str | Path, **options: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=options.get("cwd"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{words[0]}: {done.stdout[-2000:]}"


def _make(image: Image) -> None:
    folder = image.folder
    _run(
        "apt-get",
        "-o",
        "APT::Sandbox::User=root",
        "download",
        KERNEL_PACKAGE,
        cwd=folder,
    )
    [package] = folder.glob("*.deb")
    _run("dpkg", "-x", package, folder / "kernel")
    package.unlink()
    root = folder / "root"
    _run(
        *("mmdebstrap", "--quiet", "--format=directory", "--variant=minbase"),
        *(f"--include={','.join(PACKAGES)}", SUITE, root),
    )
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", image.key)
    _configure(image, root)
    _run("/sbin/mke2fs", "-q", "-t", "ext4", "-d", root, image.disk, DISK_SIZE)
    shutil.rmtree(root)
    if image.registers:
        _run("cc", "-O2", "-shared", "-fPIC", "-o", image.registers, HERE / "xstate.c")


def _configure(image: Image, root: Path) -> None:
    init = root / "usr/local/sbin/guest-init"
    shutil.copy(HERE / "guest_init.sh", init)
    init.chmod(0o755)
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for old in (root / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    shutil.copy(image.key, root / "etc/ssh/ssh_host_ed25519_key")
    login = root / "root/.ssh"
    login.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(image.key.with_suffix(".pub"), login / "authorized_keys")
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    [modules] = (image.folder / "kernel/usr/lib/uml/modules").iterdir()
    inside = root / "usr/lib/modules" / modules.name
    for name in MODULES:
        shutil.copytree(modules / "kernel" / name, inside / "kernel" / name)
    for file in modules.glob("modules.*"):
        shutil.copy(file, inside)
    shutil.rmtree(modules)
