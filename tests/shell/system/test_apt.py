"""Packages by a real apt and dpkg, whose databases and repository only the test has."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from shells import EACH_SHELL, run

from provision.engine.outcome import apply_error
from provision.model.shell import Reply, Sh
from provision.steps.system.packages import Packages

Shell = tuple[str, ...]
DATABASES = {
    "/var/lib/dpkg": ("info", "updates", "triggers", "alternatives"),
    "/var/lib/apt": ("lists/partial",),
    "/etc/apt": ("apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"),
    "/var/cache/apt": ("archives/partial",),
}
IN_PLACE = """
for path in /var/lib/dpkg /var/lib/apt /etc/apt /var/cache/apt; do
    mount --bind "$0$path" "$path" || exit
done
exec "$@"
"""


def possible() -> bool:
    tools = ("unshare", "apt-get", "dpkg-deb")
    if not all(map(shutil.which, tools)):
        return False
    mount = ["unshare", "--mount", "mount", "--bind", "/etc/apt", "/etc/apt"]
    return not subprocess.run(mount, capture_output=True, check=False).returncode


pytestmark = pytest.mark.skipif(not possible(), reason="needs root, mount and apt")


class Host:
    """A host without packages, and a repository for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for path, folders in DATABASES.items():
            for folder in folders:
                (root / path[1:] / folder).mkdir(parents=True)
        for name in ("status", "available"):
            (root / "var/lib/dpkg" / name).touch()
        self.repository = root / "repository"
        self.repository.mkdir()
        (self.repository / "Packages").touch()
        (root / "etc/apt/sources.list").write_text(
            f"deb [trusted=yes] file:{self.repository} ./\n"
        )
        # apt's own user cannot read a test's folders.
        (root / "etc/apt/apt.conf").write_text('APT::Sandbox::User "root";\n')

    def offer(
        self, name: str, version: str = "1.0", needs: str = "", postinst: str = ""
    ) -> None:
        """Put a package into the repository."""
        folder = self.root / "build" / f"{name}-{version}"
        control = folder / "DEBIAN/control"
        control.parent.mkdir(parents=True)
        about = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: a test\n"
        ) + (f"Depends: {needs}\n" if needs else "")
        control.write_text(about)
        if postinst:
            control.with_name("postinst").write_text(f"#!/bin/sh\n{postinst}\n")
            control.with_name("postinst").chmod(0o755)
        deb = self.repository / f"{name}_{version}.deb"
        build = ["dpkg-deb", "--build", str(folder), str(deb)]
        subprocess.run(build, check=True, capture_output=True)
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        with (self.repository / "Packages").open("a") as packages:
            packages.write(
                f"{about}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
                f"SHA256: {digest}\n\n"
            )

    def shell(self, shell: Shell) -> Shell:
        """A shell in which these databases are in the place of the machine's."""
        return ("unshare", "--mount", "sh", "-c", IN_PLACE, str(self.root), *shell)

    def install(self, shell: Shell, *names: str) -> Reply:
        step = Packages(names=names, lock_timeout_s=0)
        changes = step.plan({})
        return run(self.shell(shell), step.apply(changes), strict=True)

    def seen(self, shell: Shell, *names: str) -> dict[str, str]:
        step = Packages(names=names)
        return dict(step.observe(run(self.shell(shell), step.probe())))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def explained(done: Reply) -> tuple[str, str]:
    """The details of the error of a failed install, and the advice."""
    details = "\n".join(apply_error(1, done).details)
    return details, Packages(names=("x",)).advice(details)


@EACH_SHELL
def test_a_package_is_installed(shell: Shell, host: Host) -> None:
    host.offer("fine")
    done = host.install(shell, "fine")
    assert (done.exit, done.stderr) == (0, ""), done.stderr
    assert "Setting up fine (1.0)" in done.stdout
    assert host.seen(shell, "fine") == {"fine": "installed"}


@EACH_SHELL
def test_a_package_that_asks_on_a_terminal_fails_with_its_question(
    shell: Shell, host: Host
) -> None:
    host.offer("asks", postinst='echo "Do you accept? [y/n]"; read -r answer </dev/tty')
    done = host.install(shell, "asks")
    details, advice = explained(done)
    assert done.exit not in {0, None}
    assert "Do you accept? [y/n]" in details
    assert "/dev/tty" in details
    assert "debconf-set-selections" in advice


@EACH_SHELL
def test_a_package_on_hold_is_named(shell: Shell, host: Host) -> None:
    host.offer("kept")
    host.offer("new", needs="kept (>= 2.0)")
    assert host.install(shell, "kept").exit == 0
    run(host.shell(shell), Sh("apt-mark hold kept"), strict=True)
    host.offer("kept", "2.0")
    run(host.shell(shell), Sh("apt-get update"), strict=True)
    details, advice = explained(host.install(shell, "new"))
    assert "packages on hold: kept" in details
    assert "new : Depends: kept (>= 2.0)" in details
    assert details.count("held broken packages") == 1
    assert "apt-mark unhold" in advice


@EACH_SHELL
def test_a_package_that_is_half_installed_is_named(shell: Shell, host: Host) -> None:
    host.offer("broken", postinst="echo no such port >&2; exit 3")
    host.offer("fine")
    host.install(shell, "broken")
    assert host.seen(shell, "broken") == {}
    details, advice = explained(host.install(shell, "fine"))
    assert "packages that are not wholly installed: broken" in details
    assert "no such port" in details
    assert details.count("Sub-process /usr/bin/dpkg returned an error code") == 1
    assert "remove it" in advice


@EACH_SHELL
def test_lists_without_a_name_are_fetched_again(shell: Shell, host: Host) -> None:
    host.offer("fine")
    host.install(shell, "fine")
    host.offer("later")
    assert host.install(shell, "later").exit == 0


@EACH_SHELL
def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(
    shell: Shell, host: Host
) -> None:
    host.offer("daemon", postinst="sleep 40 &")
    start = time.monotonic()
    assert host.install(shell, "daemon").exit == 0
    assert time.monotonic() - start < 30
