"""What the lab needs of this machine, and what it says when that is not there."""

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
from provision.lab.paths import NAME, Layout, Node, nodes
from provision.lab.run_command import command, succeeds


def fail(*_: object, **__: object) -> None:
    raise AssertionError("nothing may be done")


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine, and an empty directory on it."""
    monkeypatch.setattr(engine, "RUN", tmp_path / "run")
    monkeypatch.setattr(engine, "PID_FILE", tmp_path / "run" / "dockerd.pid")
    monkeypatch.setattr(engine, "OWNER", tmp_path / "run" / "root")
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

    def test_root_on_debian_gets_them_installed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed: list[list[str]] = []
        said: list[str] = []
        monkeypatch.setattr(prerequisites, "_install", installed.append)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        prerequisites.programs(said.append, engine=True)
        assert installed == [["docker.io", "mmdebstrap"]]
        assert said == ["installing docker.io mmdebstrap"]

    def test_no_engine_is_installed_where_one_answers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed: list[list[str]] = []
        monkeypatch.setattr(prerequisites, "_install", installed.append)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        prerequisites.programs(lambda _: None, engine=False)
        assert installed == [["mmdebstrap"]]

    def test_others_are_told_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prerequisites, "_install", fail)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(LabError, match=r"only root .* apt-get install mmdebstrap"):
            prerequisites.programs(fail, engine=False)

    def test_another_distribution_is_told_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prerequisites, "_install", fail)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(LabError, match="neither Debian nor Ubuntu"):
            prerequisites.programs(fail, engine=True)


class TestWithoutALab:
    @pytest.mark.usefixtures("nothing")
    @pytest.mark.parametrize("what", [lab.status, lab.reset])
    def test_what_needs_one_says_how_to_get_one(self, what: object) -> None:
        with pytest.raises(LabError, match=r"not up; bring it up: invoke lab\.up"):
            what()  # type: ignore[operator]  # both take no arguments

    @pytest.mark.usefixtures("nothing")
    @pytest.mark.parametrize("what", [lab.reboot, lab.cut, lab.mend, lab.run])
    def test_what_needs_a_host_says_so_too(self, what: object) -> None:
        with pytest.raises(LabError, match="not up"):
            what("node1")  # type: ignore[operator]  # all take a host

    @pytest.mark.usefixtures("nothing")
    def test_it_is_not_up(self) -> None:
        assert not lab.is_up()

    def test_an_engine_is_not_started_for_an_ordinary_user(
        self, nothing: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(LabError, match="only root can start one; run as root"):
            engine.start(Layout.of(nothing / ".lab"))

    def test_down_does_nothing(self, nothing: Path) -> None:
        lab.down()
        assert list(nothing.iterdir()) == []

    def test_the_pid_of_another_process_is_not_the_engines(self, nothing: Path) -> None:
        engine.PID_FILE.parent.mkdir()
        engine.PID_FILE.write_text(f"{os.getpid()}\n")
        assert engine.running_pid() is None


class TestDown:
    def test_all_files_go(self, nothing: Path) -> None:
        layout = Layout.of(nothing / ".lab")
        layout.packages.mkdir(parents=True)
        layout.key.touch()
        (layout.root / "link").symlink_to("/etc")
        lab.down()
        assert not layout.root.exists()
        assert Path("/etc/passwd").exists()

    def test_the_cache_may_stay(self, nothing: Path) -> None:
        layout = Layout.of(nothing / ".lab")
        layout.packages.mkdir(parents=True)
        layout.key.touch()
        lab.down(keep_cache=True)
        assert [path.name for path in layout.root.iterdir()] == ["cache"]


class TestAtOnce:
    def test_all_are_done_and_every_failure_is_told(self) -> None:
        done: list[Node] = []

        def one(node: Node) -> None:
            if node.number < 3:
                raise LabError(f"{node.name} is broken")
            done.append(node)

        with pytest.raises(LabError) as caught:
            lifecycle.each(one, nodes(4))
        assert str(caught.value) == "node1 is broken\nnode2 is broken"
        assert {node.number for node in done} == {3, 4}

    def test_a_second_program_waits_for_the_first(self, tmp_path: Path) -> None:
        layout = Layout.of(tmp_path / ".lab")
        said: list[str] = []
        waiting, order = threading.Event(), []

        def second() -> None:
            def say(line: str) -> None:
                said.append(line)
                waiting.set()

            with lifecycle.alone(layout, say):
                order.append("second")

        thread = threading.Thread(target=second)
        with lifecycle.alone(layout, fail):
            thread.start()
            assert waiting.wait(10)
            order.append("first")
        thread.join()
        assert order == ["first", "second"]
        assert said == ["waiting for another program that changes the lab"]
        assert list(tmp_path.iterdir()) == [], "no file stays behind"


class TestCommand:
    def test_what_it_prints_is_returned(self) -> None:
        assert command("sh", "-c", "cat; echo $LC_ALL", stdin=b"in ") == "in C\n"

    def test_a_failure_shows_the_last_lines_of_what_it_said(self) -> None:
        script = "seq 100 >&2; exit 3"
        with pytest.raises(LabError, match="failed: sh") as caught:
            command("sh", "-c", script)
        lines = str(caught.value).splitlines()
        assert [line.strip() for line in lines[1:]] == [str(n) for n in range(89, 101)]

    def test_a_missing_program_and_a_slow_one_are_named(self) -> None:
        with pytest.raises(LabError, match="no-such-program is not installed"):
            command("no-such-program")
        with pytest.raises(LabError, match=r"no end after 0 s: sleep 9"):
            command("sleep", "9", limit_s=0.05)
        assert not succeeds("no-such-program")


class TestRemains:
    def test_the_keepers_of_the_labs_containers_are_found_with_their_children(
        self,
    ) -> None:
        program = "import subprocess; subprocess.run(['sleep', '60'])"
        argv = [sys.executable, "-c", program, "-namespace", NAME, "-id", "1"]
        before = set(cleanup._orphans())
        with subprocess.Popen(argv, start_new_session=True) as keeper:
            found: set[int] = set()
            while len(found) < 2:
                found = set(cleanup._orphans()) - before
            assert keeper.pid in found
            for pid in found:
                os.kill(pid, 9)

    def test_a_process_that_is_gone_has_no_files(self) -> None:
        assert cleanup.of_process(2**22 + 1, "cmdline") == b""


def test_status_is_of_hosts_that_should_be_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "existing", lambda _: {Node(1): "exited"})
    layout = Layout.of(tmp_path)
    layout.host_keys.mkdir()
    (layout.host_keys / "node2").touch()
    monkeypatch.setattr(host_control, "_running", lambda: (layout, Engine("")))
    states = [(host.name, host.state, host.ssh) for host in lab.status()]
    assert states == [("node1", "stopped", False), ("node2", "missing", False)]
