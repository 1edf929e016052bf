"""Packages by a real apt and dpkg, whose databases and repository only the test has."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, run, without_room
from support.apt_host import AptHost, possible

from provision.engine.host.outcome import apply_error
from provision.model.shell import Reply, Sh
from provision.steps.packages.packages import Packages

Shell = tuple[str, ...]
pytestmark = pytest.mark.skipif(not possible(), reason="needs root, mount and apt")


class Host(AptHost):
    """A host on which steps install packages."""

    def install(self, shell: Shell, *names: str, lock_timeout_s: int = 0) -> Reply:
        step = Packages(names=names, lock_timeout_s=lock_timeout_s)
        changes = step.plan({})
        path = os.environ["PATH"]
        env = {**os.environ, "PATH": f"{self.root / 'programs'}:{path}"}
        return run(self.shell(shell), step.apply(changes), strict=True, env=env)

    def let_dpkg_speak_as_in_1_22(self) -> None:
        """Put this machine's dpkg behind a program that words its error of the lock anew."""
        program = self.root / "programs/dpkg"
        program.parent.mkdir()
        words = "s|locked by another process|locked by /usr/bin/dpkg process|"
        program.write_text(
            f"""#!/bin/sh
{{ {shutil.which("dpkg")} "$@" 2>&1 >&3 | sed '{words}' >&2; }} 3>&1
[ -z "$(ls -A /var/lib/dpkg/updates)" ]
"""
        )
        program.chmod(0o755)

    def interrupt(self, name: str) -> None:
        """Leave the package *name* as a dpkg that was killed does."""
        dpkg = self.root / "var/lib/dpkg"
        stanza = (dpkg / "status").read_text()
        assert f"Package: {name}\n" in stanza
        half = stanza.replace("install ok installed", "install ok half-configured")
        (dpkg / "updates/0000").write_text(half)

    def seen(self, shell: Shell, *names: str) -> dict[str, str]:
        step = Packages(names=names)
        return without_room(step.observe(run(self.shell(shell), step.probe())))


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


# A busybox that has a dpkg of its own takes that one.
@NOT_BUSYBOX
@pytest.mark.parametrize("dpkg_1_22", [False, True])
def test_two_plays_install_at_once_after_one_was_interrupted(
    shell: Shell, host: Host, dpkg_1_22: bool
) -> None:
    host.offer("slow", postinst="sleep 2")
    assert host.install(shell, "slow").exit == 0
    host.interrupt("slow")
    if dpkg_1_22:
        host.let_dpkg_speak_as_in_1_22()
    names = [f"other{number}" for number in range(2)]
    for name in names:
        host.offer(name, postinst="sleep 1")
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(lambda n: host.install(shell, n, lock_timeout_s=60), names)
        )
    assert [one.exit for one in done] == [0, 0], done
    assert host.seen(shell, "slow", *names) == dict.fromkeys(
        ["slow", *names], "installed"
    )


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
    sources = host.root / "etc/apt/sources.list"
    # apt looks into the lists of a `file:` itself, and would need no new ones.
    sources.write_text(sources.read_text().replace("file:", "copy:"))
    host.offer("fine")
    assert host.install(shell, "fine").exit == 0
    host.offer("later")
    done = host.install(shell, "later")
    assert done.exit == 0, done.stdout + done.stderr
    assert "Unable to locate package later" in done.stderr


@EACH_SHELL
def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(
    shell: Shell, host: Host
) -> None:
    host.offer("daemon", postinst="sleep 40 &")
    start = time.monotonic()
    assert host.install(shell, "daemon").exit == 0
    assert time.monotonic() - start < 30


@EACH_SHELL
def test_a_package_that_conflicts_with_one_that_is_there_is_refused(
    shell: Shell, host: Host
) -> None:
    host.offer("theirs")
    host.offer("ours", conflicts="theirs")
    host.install(shell, "theirs")
    details, advice = explained(host.install(shell, "ours"))
    assert host.seen(shell, "theirs", "ours") == {"theirs": "installed"}
    assert "REMOVED:\n  theirs" in details
    assert "conflicts with those to be REMOVED" in advice
