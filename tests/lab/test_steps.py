"""The generic steps on a real host, through the library; checked by plain commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from support.lab.one_host import apply, changes, failure, sh

from provision.errors import LabError
from provision.model.step import Step
from provision.steps.files.absent.file_absent import FileAbsent
from provision.steps.files.file import Directory, File
from provision.steps.packages.absent.packages_absent import PackagesAbsent
from provision.steps.packages.packages import Packages
from provision.steps.services.service import Service, ServiceAbsent
from provision.steps.services.units.systemd_unit import SystemdUnit
from provision.steps.services.units.unit_absent import SystemdUnitAbsent
from provision.steps.system.reachable import Reachable
from provision.steps.system.users import User, UserAbsent

PLACE = "/srv/step-tests"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("running_lab"),
]
LOCK = """
use Fcntl;
open my $file, "+>>", "/var/lib/dpkg/lock-frontend" or die;
my $lock = pack "s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0;
fcntl $file, F_SETLK, $lock or die;
sleep 120;
"""
UNIT = """[Service]
ExecStart=/bin/sh -c 'cat /srv/step-tests/config; exec sleep 1000'
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    sh(
        "systemctl disable -q --now step-test 2>/dev/null; userdel step-test; "
        "rm -f /etc/systemd/system/step-test.service; systemctl daemon-reload; "
        f"rm -rf {PLACE} /home/step-test; apt-get -qq remove tree jq >/dev/null; true"
    )


def test_directories_and_files_are_made_and_go() -> None:
    folder = Directory(path=PLACE, owner=1000, group="100", mode="2750")
    token = File(
        path=f"{PLACE}/it's $(x)",
        content=SecretStr("hunter2\n"),
        owner="1000",
        mode="400",
    )
    shown = changes(folder, token)
    assert "hunter2" not in str(shown)
    assert sh(f"stat -c '%u %g %a' {PLACE}") == "1000 100 2750"
    assert sh(f"stat -c '%u %g %a' {PLACE}/it*x*") == "1000 0 400"
    assert sh(f"cat {PLACE}/it*x*") == "hunter2"
    assert changes(FileAbsent(paths=[PLACE])) == [f"{PLACE}: directory -> (absent)"]
    assert sh(f"ls {PLACE} 2>&1 || true").endswith("No such file or directory")


def test_a_file_without_its_directory_says_which_step_is_missing() -> None:
    error = failure(apply(File(path=f"{PLACE}/none/x", content="x")))
    assert f"there is no directory {PLACE}/none/" in error
    assert "`directory` step" in error


def test_packages_are_installed_and_removed() -> None:
    assert changes(Packages(names=["tree", "jq"])) == [
        "tree: (absent) -> installed",
        "jq: (absent) -> installed",
    ]
    assert sh("echo '[7]' | jq -c . && tree --version | cut -c -4") == "[7]\ntree"
    error = failure(apply(PackagesAbsent(names=["libjq1"])))
    assert "would go as well: jq" in error
    assert len(changes(PackagesAbsent(names=["tree", "jq"]))) == 2
    assert sh("command -v tree jq || true") == ""


def test_a_package_nobody_has_is_named() -> None:
    error = failure(apply(Packages(names=["no-such-package"])))
    assert "Unable to locate package no-such-package" in error
    assert "check the name" in error


def test_an_install_that_was_interrupted_is_finished() -> None:
    sh("apt-get -qq update; touch /var/lib/dpkg/updates/0001")
    with pytest.raises(LabError, match="dpkg was interrupted"):
        sh("apt-get -qq install tree")
    assert changes(Packages(names=["tree"])) == ["tree: (absent) -> installed"]


def test_a_lock_that_another_holds_is_reported_with_its_holder() -> None:
    sh(f"perl -e '{LOCK}' </dev/null >/dev/null 2>&1 & echo $! >/run/step-test.pid")
    try:
        sh("timeout 10 sh -c 'until grep -q POSIX /proc/locks; do sleep 0.1; done'")
        pid = sh("cat /run/step-test.pid")
        error = failure(apply(Packages(names=["tree"], lock_timeout_s=1)))
    finally:
        sh("kill $(cat /run/step-test.pid); rm /run/step-test.pid")
    assert f"/var/lib/dpkg/lock-frontend is held by process {pid} (perl -e" in error
    assert "lock_timeout_s" in error


def test_users_are_made_changed_and_go() -> None:
    user = User(name="step-test", uid=2345, groups=["adm"], home="/home/step-test")
    assert "uid: (absent) -> 2345" in changes(user)
    entry = "step-test:x:2345:{gid}::/home/step-test:{shell}"
    gid = sh("getent group step-test | cut -d: -f3")
    shell = "/usr/sbin/nologin"
    assert sh("getent passwd step-test") == entry.format(gid=gid, shell=shell)
    assert sh("id -Gn step-test") == "step-test adm"
    assert sh("stat -c %U /home/step-test") == "step-test"
    with_shell = user.model_copy(update={"shell": "/bin/bash", "groups": ("daemon",)})
    assert changes(with_shell) == [
        "shell: /usr/sbin/nologin -> /bin/bash",
        "in.daemon: (absent) -> true",
    ]
    assert sorted(sh("id -Gn step-test").split()) == ["adm", "daemon", "step-test"]
    assert changes(UserAbsent(name="step-test")) == ["uid: 2345 -> (absent)"]
    assert sh("getent passwd step-test; getent group step-test; true") == ""


def test_a_uid_that_is_taken_is_reported_with_its_user() -> None:
    error = failure(apply(User(name="step-test", uid=1)))
    assert "is not unique" in error
    assert "belongs to the user daemon" in error


def service(**more: object) -> Service:
    files = (f"{PLACE}/config", "/etc/systemd/system/step-test.service")
    return Service(**{"name": "step-test", "files": files, **more})


def served(config: str) -> tuple[Step, ...]:
    """A service that prints its configuration when it starts."""
    return (
        Directory(path=PLACE),
        File(path=f"{PLACE}/config", content=config),
        SystemdUnit(name="step-test.service", content=UNIT),
        service(),
    )


def printed() -> str:
    return sh("journalctl -u step-test -o cat -n 1 _TRANSPORT=stdout")


def main_pid() -> str:
    return sh("systemctl show -p MainPID --value step-test")


def test_a_service_runs_with_its_files_as_they_are() -> None:
    assert "running: false -> true" in changes(*served("one\n"))
    assert sh("systemctl is-active step-test; systemctl is-enabled step-test") == (
        "active\nenabled"
    )
    assert printed() == "one"
    assert changes(*served("two\n"))[-1] == "files: outdated -> current"
    assert printed() == "two"


def test_a_run_that_was_killed_before_the_restart_is_made_good() -> None:
    changes(*served("one\n"))
    assert failure(apply(*served("two\n")[:3])) == ""
    assert printed() == "one"
    assert changes(*served("two\n")) == ["files: outdated -> current"]
    assert printed() == "two"


def test_a_service_that_someone_else_restarted_is_left_alone() -> None:
    changes(*served("one\n"))
    sh(f"echo two >{PLACE}/config; sleep 1.1; systemctl restart step-test")
    before = main_pid()
    assert changes(service()) == []
    assert main_pid() == before


def test_a_unit_that_systemd_has_not_read_is_a_difference() -> None:
    changes(*served("one\n"))
    edited = SystemdUnit(name="step-test.service", content=f"{UNIT}# edited\n")
    sh("echo '# edited' >>/etc/systemd/system/step-test.service")
    assert changes(edited) == ["loaded: outdated -> current"]


def test_a_service_that_does_not_stay_up_fails_with_its_journal() -> None:
    broken = (
        "[Service]\nExecStart=/bin/sh -c 'echo no such port; exit 3'\nRestart=always\n"
    )
    error = failure(
        apply(
            SystemdUnit(name="step-test.service", content=broken),
            service(files=(), boot=False),
        )
    )
    assert "it was started and ended within 2 s" in error
    assert "no such port" in error


def test_a_service_is_stopped_and_removed() -> None:
    changes(*served("one\n"))
    assert changes(
        ServiceAbsent(name="step-test"), SystemdUnitAbsent(names=["step-test.service"])
    ) == [
        "running: true -> (absent)",
        "boot: true -> (absent)",
        "step-test.service: /etc/systemd/system/step-test.service -> (absent)",
    ]
    assert sh("systemctl show -p LoadState --value step-test") == "not-found"


def test_an_endpoint_is_waited_for() -> None:
    sshd = Reachable(host="127.0.0.1", port=22)
    assert changes(sshd) == []
    error = failure(apply(Reachable(host="127.0.0.1", port=9, settle_s=1)))
    assert "tcp: (absent) -> open" in error
