"""Unknown host keys: found, reported, and added to known_hosts files."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from provision.config.inventory import Host
from provision.errors import (
    ConnectError,
    HostKeyError,
    InputError,
    ProvisionError,
    UnknownHostKeyError,
)
from provision.model.events import HostFailed, RunEnded, RunStarted
from provision.model.mode import Mode
from provision.model.result import Run
from provision.report.event_lines import EventFormatter
from provision.report.summary import summary
from provision.transport.ssh.trust import Unknown, accept_host_keys, scan_host_keys

HINT = "accept it: invoke trust --inventory inv.yml"


def host(name: str, **variables: str) -> Host:
    return Host(name, vars=variables)


def unknown(name: str, *, jump: bool = False, key: str = "A") -> UnknownHostKeyError:
    kind = f"ssh-ed25519 {key}"
    return UnknownHostKeyError(name, kind, "SHA256:x", Path("kh"), jump=jump, hint=HINT)


def key(file: Path, name: str = "n1", text: str = "AAAA") -> Unknown:
    shown = (name, f"ssh-ed25519 {text}", "SHA256:x", file, False)
    return Unknown(*shown, ("node1",))


class TestScan:
    def test_hosts_are_sorted_into_known_unknown_and_failed(self) -> None:
        errors = {
            "new": unknown("new"),
            "changed": HostKeyError("changed"),
            "down": ConnectError("down"),
        }

        def check(host: Host) -> None:
            if error := errors.get(host.name):
                raise error

        hosts = [host(name) for name in ("new", "fine", "changed", "down")]
        scanned = scan_host_keys(hosts, forks=2, check=check)
        assert scanned.known == ["fine"]
        assert [one.hosts for one in scanned.unknown] == [("new",)]
        assert scanned.errors == {"changed": errors["changed"], "down": errors["down"]}

    def test_a_jump_host_of_several_hosts_is_listed_once(self) -> None:
        def check(host: Host) -> None:
            raise unknown("gate", jump=True)

        scanned = scan_host_keys([host("a"), host("b")], forks=9, check=check)
        assert [(one.name, one.jump, one.hosts) for one in scanned.unknown] == [
            ("gate", True, ("a", "b"))
        ]

    def test_one_name_that_shows_two_keys_is_listed_twice(self) -> None:
        def check(host: Host) -> None:
            raise unknown("gate", key=host.name)

        assert (
            len(scan_host_keys([host("a"), host("b")], forks=9, check=check).unknown)
            == 2
        )

    def test_hosts_without_ssh_are_left_out(self) -> None:
        scanned = scan_host_keys([host("a", ansible_connection="local")], forks=9)
        assert (scanned.known, scanned.unknown, scanned.errors) == ([], [], {})


class TestAccept:
    def test_a_new_file_can_be_read_by_all_and_written_by_one(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "known_hosts"
        assert accept_host_keys([key(file), key(file, "n2")]) == [file]
        assert file.read_text() == "n1 ssh-ed25519 AAAA\nn2 ssh-ed25519 AAAA\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
        assert list(tmp_path.iterdir()) == [file]

    def test_lines_and_mode_of_an_existing_file_are_kept(self, tmp_path: Path) -> None:
        file = tmp_path / "known_hosts"
        file.write_bytes(b"# mine \xff\nold ssh-rsa BBBB")  # and no line break
        file.chmod(0o600)
        accept_host_keys([key(file), key(file)])
        accept_host_keys([key(file)])
        wanted = b"# mine \xff\nold ssh-rsa BBBB\nn1 ssh-ed25519 AAAA\n"
        assert file.read_bytes() == wanted
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_symbolic_link_stays_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        file, link = tmp_path / "real/hosts", tmp_path / "known_hosts"
        link.symlink_to(file)
        accept_host_keys([key(link)])
        assert link.is_symlink()
        assert "n1" in file.read_text()

    def test_many_threads_at_once_lose_no_key(self, tmp_path: Path) -> None:
        file = tmp_path / "known_hosts"
        names = [f"n{number}" for number in range(40)]
        threads = [
            threading.Thread(target=accept_host_keys, args=([key(file, name)],))
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = file.read_text().splitlines()
        assert sorted(line.split()[0] for line in lines) == sorted(names)

    def test_a_file_that_cannot_be_written_is_an_error_with_its_name(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "nowhere" / "known_hosts"
        with pytest.raises(InputError, match=r"nowhere/known_hosts: cannot be written"):
            accept_host_keys([key(file)])


def printed(errors: dict[str, ProvisionError], *, verbose: bool = False) -> str:
    """Return the output of a run in which hosts failed with *errors*."""
    formatter, run = EventFormatter(verbose=verbose), Run()
    steps = dict.fromkeys(errors, 1)
    events = [
        RunStarted(mode=Mode.APPLY, cluster="c", plays=("p",), steps=steps),
        *(HostFailed(host=h, play="p", error=e) for h, e in errors.items()),
        RunEnded(seconds=1.0, interrupted=False),
    ]
    lines = []
    for event in events:
        run(event)
        lines += [(line.head + line.body).plain for line in formatter(event)]
    failures = [str(part) for part in summary(run)]
    return "\n".join([*lines, *failures])


class TestManyUnknownHosts:
    ERRORS = {f"node{n}": unknown(f"n{n}", key=f"K{n}") for n in range(100)}

    def test_are_reported_as_one_failure(self) -> None:
        text = printed(dict(self.ERRORS))
        assert text.count("FAILED") == 1
        assert text.count(HINT) == 2  # where it happens, and in the summary
        assert "node0, node1, node2 and 97 more: unknown host key; accept it" in text
        assert len(text.splitlines()) < 15

    def test_are_listed_one_by_one_with_verbose(self) -> None:
        assert printed(dict(self.ERRORS), verbose=True).count("FAILED") == 100

    def test_do_not_hide_another_failure(self) -> None:
        text = printed({**self.ERRORS, "other": ConnectError("no answer")})
        assert text.count("FAILED") == 2
        assert "other: no answer" in text
