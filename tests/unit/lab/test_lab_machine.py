"""Requirements of the lab on this machine, and the errors when they are not met."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from provision import lab
from provision.errors import LabError
from provision.lab import cleanup, engine, host_control, hosts, lifecycle, prerequisites
from provision.lab.engine import Engine
from provision.lab.paths import NAME, LabPaths, VirtualHost, virtual_hosts
from provision.lab.run_command import run_command, succeeds


def fail(*_: object, **__: object) -> None:
    raise AssertionError("must not be called")


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine, and an empty directory on it."""
    monkeypatch.setattr(engine, "RUN", tmp_path / "run")
    monkeypatch.setattr(engine, "PID_FILE", tmp_path / "run" / "dockerd.pid")
    monkeypatch.setattr(engine, "OWNER_FILE", tmp_path / "run" / "root")
    monkeypatch.setattr(Engine, "answers", lambda _: False)
    monkeypatch.delenv("PROVISION_LAB_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestPrograms:
    @pytest.fixture(autouse=True)
    def _missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            prerequisites, "PACKAGE_OF", {"no-such-program": "mmdebstrap"}
        )
        monkeypatch.setattr(
            prerequisites, "PACKAGE_OF_ENGINE", {"no-such-engine": "docker.io"}
        )
        monkeypatch.setattr(prerequisites, "_update", lambda: None)

    @pytest.mark.parametrize(
        ("known", "engine", "installed"),
        [
            (False, True, ["docker.io", "iptables"]),
            (False, False, ["docker.io"]),
            (True, True, ["docker-cli", "docker.io", "iptables"]),
            (True, False, ["docker-cli"]),
        ],
        ids=["12, engine", "12, client", "13, engine", "13, client"],
    )
    def test_the_client_is_the_package_that_this_system_has(
        self,
        known: bool,
        engine: bool,
        installed: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """On Debian 13 it is not in docker.io any more."""
        apt_cache = tmp_path / "apt-cache"
        apt_cache.write_text(
            f'#!/bin/sh\n[ "$2" = docker-cli ] && {str(known).lower()}\n'
        )
        apt_cache.chmod(0o755)
        (tmp_path / "apt-get").symlink_to("/bin/true")
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(prerequisites, "SEARCH_PATH", str(tmp_path))
        monkeypatch.setattr(prerequisites, "PACKAGE_OF", {"docker": "docker.io"})
        programs = {"dockerd": "docker.io", "iptables": "iptables"}
        monkeypatch.setattr(prerequisites, "PACKAGE_OF_ENGINE", programs)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        found: list[list[str]] = []
        monkeypatch.setattr(prerequisites, "_install", found.append)
        prerequisites.install_programs(lambda _: None, engine=engine)
        assert found == [installed]

    def test_root_on_debian_gets_them_installed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed: list[list[str]] = []
        lines: list[str] = []
        monkeypatch.setattr(prerequisites, "_install", installed.append)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        prerequisites.install_programs(lines.append, engine=True)
        assert installed == [["docker.io", "mmdebstrap"]]
        assert lines == ["installing docker.io mmdebstrap"]

    def test_no_engine_is_installed_where_one_answers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed: list[list[str]] = []
        monkeypatch.setattr(prerequisites, "_install", installed.append)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        prerequisites.install_programs(lambda _: None, engine=False)
        assert installed == [["mmdebstrap"]]

    def test_other_users_learn_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prerequisites, "_install", fail)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(LabError, match=r"only root .* apt-get install mmdebstrap"):
            prerequisites.install_programs(fail, engine=False)

    def test_another_distribution_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prerequisites, "_install", fail)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(LabError, match="neither Debian nor Ubuntu"):
            prerequisites.install_programs(fail, engine=True)


class TestWithoutALab:
    @pytest.mark.usefixtures("nothing")
    @pytest.mark.parametrize("what", [lab.status, lab.reset])
    def test_a_command_that_needs_a_lab_says_how_to_start_one(
        self, what: object
    ) -> None:
        with pytest.raises(LabError, match=r"not running; start it: invoke lab\.up"):
            what()  # type: ignore[operator]  # both take no arguments

    @pytest.mark.usefixtures("nothing")
    @pytest.mark.parametrize("what", [lab.reboot, lab.cut, lab.mend, lab.run])
    def test_a_command_that_needs_a_host_does_so_too(self, what: object) -> None:
        with pytest.raises(LabError, match="not running"):
            what("node1")  # type: ignore[operator]  # all take a host

    @pytest.mark.usefixtures("nothing")
    def test_it_is_not_up(self) -> None:
        assert not lab.is_up()

    def test_an_engine_is_not_started_for_an_ordinary_user(
        self, nothing: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(LabError, match="only root can start one; run as root"):
            engine.start(LabPaths.find(nothing / ".lab"))

    def test_down_does_nothing(self, nothing: Path) -> None:
        lab.down()
        assert list(nothing.iterdir()) == []

    def test_the_pid_of_another_process_is_not_the_engines(self, nothing: Path) -> None:
        engine.PID_FILE.parent.mkdir()
        engine.PID_FILE.write_text(f"{os.getpid()}\n")
        assert engine.running_pid() is None


class TestDown:
    def test_all_files_are_removed(self, nothing: Path) -> None:
        paths = LabPaths.find(nothing / ".lab")
        paths.packages.mkdir(parents=True)
        paths.key.touch()
        (paths.root / "link").symlink_to("/etc")
        lab.down()
        assert not paths.root.exists()
        assert Path("/etc/passwd").exists()

    def test_the_cache_can_be_kept(self, nothing: Path) -> None:
        paths = LabPaths.find(nothing / ".lab")
        paths.packages.mkdir(parents=True)
        paths.key.touch()
        lab.down(keep_cache=True)
        assert [path.name for path in paths.root.iterdir()] == ["cache"]


class TestParallel:
    def test_all_hosts_are_visited_and_every_failure_is_reported(self) -> None:
        done: list[VirtualHost] = []

        def one(host: VirtualHost) -> None:
            if host.number < 3:
                raise LabError(f"{host.name} is broken")
            done.append(host)

        with pytest.raises(LabError) as caught:
            lifecycle.for_each(one, virtual_hosts(4))
        assert str(caught.value) == "node1 is broken\nnode2 is broken"
        assert {host.number for host in done} == {3, 4}

    def test_a_second_program_waits_for_the_first(self, tmp_path: Path) -> None:
        paths = LabPaths.find(tmp_path / ".lab")
        lines: list[str] = []
        waiting, order = threading.Event(), []

        def second() -> None:
            def progress(line: str) -> None:
                lines.append(line)
                waiting.set()

            with lifecycle.exclusive(paths, progress):
                order.append("second")

        thread = threading.Thread(target=second)
        with lifecycle.exclusive(paths, fail):
            thread.start()
            assert waiting.wait(10)
            order.append("first")
        thread.join()
        assert order == ["first", "second"]
        assert lines == ["waiting for another program that changes the lab"]
        assert list(tmp_path.iterdir()) == [], "no file stays behind"


class TestCommand:
    def test_the_output_is_returned(self) -> None:
        assert run_command("sh", "-c", "cat; echo $LC_ALL", stdin=b"in ") == "in C\n"

    def test_a_failure_shows_the_last_lines_of_its_output(self) -> None:
        script = "seq 100 >&2; exit 3"
        with pytest.raises(LabError, match="failed: sh") as caught:
            run_command("sh", "-c", script)
        lines = str(caught.value).splitlines()
        assert [line.strip() for line in lines[1:]] == [str(n) for n in range(89, 101)]

    def test_a_missing_program_and_a_slow_one_are_named(self) -> None:
        with pytest.raises(LabError, match="no-such-program is not installed"):
            run_command("no-such-program")
        with pytest.raises(LabError, match=r"took longer than 0 s: sleep 9"):
            run_command("sleep", "9", limit_s=0.05)
        assert not succeeds("no-such-program")


class TestCleanup:
    def test_the_shims_of_the_labs_containers_are_found_with_their_children(
        self,
    ) -> None:
        program = "import subprocess; subprocess.run(['sleep', '60'])"
        argv = [sys.executable, "-c", program, "-namespace", NAME, "-id", "1"]
        before = set(cleanup._orphans())
        with subprocess.Popen(argv, start_new_session=True) as shim:
            found: set[int] = set()
            while len(found) < 2:
                found = set(cleanup._orphans()) - before
            assert shim.pid in found
            for pid in found:
                os.kill(pid, 9)

    def test_a_process_that_ended_has_no_files(self) -> None:
        assert cleanup.read_proc(2**22 + 1, "cmdline") == b""


def test_status_includes_expected_hosts_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "existing", lambda _: {VirtualHost(1): "exited"})
    paths = LabPaths.find(tmp_path)
    paths.host_keys.mkdir()
    (paths.host_keys / "node2").touch()
    monkeypatch.setattr(host_control, "_running", lambda: (paths, Engine("")))
    states = [(host.name, host.state, host.ssh) for host in lab.status()]
    assert states == [("node1", "stopped", False), ("node2", "missing", False)]
