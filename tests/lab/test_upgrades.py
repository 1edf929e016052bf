"""Archives and services on a real host: an upgrade, and two that are taken back.

The lab's artifact server offers Prometheus 3.5.0, the same as 3.5.1, a 3.5.2 that ends
at once and a 3.5.3 that never answers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.lab.one_host import apply, changes, failure, sh

from provision.lab.paths import ARTIFACTS, ARTIFACTS_PORT
from provision.model.step import Step
from provision.steps.files.archive import Archive
from provision.steps.files.file import Directory, File
from provision.steps.packages.packages import Packages
from provision.steps.services.service import Service
from provision.steps.services.units.systemd_unit import SystemdUnit

PLACE = "/srv/upgrade-tests"
NAME = "upgrade-test"
PORT = 19090
SERVER = f"http://{ARTIFACTS}:{ARTIFACTS_PORT}/prometheus"
UNIT = f"""[Service]
ExecStart={PLACE}/program/current/prometheus --config.file={PLACE}/config.yml \\
    --storage.tsdb.path={PLACE}/data --web.listen-address=127.0.0.1:{PORT}
Restart=always
[Install]
WantedBy=multi-user.target
"""
pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("running_lab"),
]


def steps(version: str) -> list[Step]:
    return [
        Packages(names=["curl"]),
        Directory(path=PLACE),
        Directory(path=f"{PLACE}/data"),
        Archive(
            url=f"{SERVER}/prometheus-{version}.linux-%ARCH%.tar.gz",
            checksum=f"{SERVER}/sha256sums.txt",
            folder=f"{PLACE}/program",
            version=version,
        ),
        File(path=f"{PLACE}/config.yml", content="global: {}\n"),
        SystemdUnit(name=f"{NAME}.service", content=UNIT),
        Service(
            name=NAME,
            files=[f"{PLACE}/config.yml", f"/etc/systemd/system/{NAME}.service"],
            archive=f"{PLACE}/program",
            health=f"http://127.0.0.1:{PORT}/-/ready",
            health_s=8,
        ),
    ]


def running() -> str:
    """The version whose program the service's process is."""
    pid = sh(f"systemctl show -p MainPID --value {NAME}")
    return sh(f"readlink /proc/{pid}/exe").removeprefix(f"{PLACE}/program/")[:5]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    sh(
        f"systemctl disable -q --now {NAME} 2>/dev/null; "
        f"rm -f /etc/systemd/system/{NAME}.service; systemctl daemon-reload; "
        f"rm -rf {PLACE}"
    )


def test_an_upgrade_stays_and_bad_ones_are_taken_back() -> None:
    changes(*steps("3.5.0"))
    assert running() == "3.5.0"
    sh(f"touch {PLACE}/data/kept")
    assert changes(*steps("3.5.1")) == [
        "current: 3.5.0 -> 3.5.1",
        "files: outdated -> current",
    ]
    assert running() == "3.5.1"

    reason = failure(apply(*steps("3.5.2")))
    assert "broken on purpose" in reason
    assert "rolled back: 3.5.2 did not become healthy, 3.5.1 runs again" in reason
    assert running() == "3.5.1"
    assert sh(f"cd {PLACE}/program; ls") == "3.5.1\n3.5.2\ncurrent\nhealthy"

    again = apply(*steps("3.5.2"))
    tried = [str(change) for step in again.steps for change in step.changes]
    assert "current: 3.5.1 -> 3.5.2" in tried
    assert "rolled back: 3.5.2" in failure(again)

    reason = failure(apply(*steps("3.5.3")))
    assert f"it was not healthy within 8 s: http://127.0.0.1:{PORT}/-/ready" in reason
    assert running() == "3.5.1"

    assert changes(*steps("3.5.1")) == []
    assert sh(f"ls {PLACE}/data/kept") == f"{PLACE}/data/kept"


def test_a_version_that_a_killed_run_left_running_is_taken_back() -> None:
    changes(*steps("3.5.0"))
    sick, *others = (steps("3.5.3")[3], *steps("3.5.3")[4:])
    assert failure(apply(sick)) == ""  # and the run is killed before the service step
    sh(f"systemctl restart {NAME}")
    assert "rolled back: 3.5.3" in failure(apply(sick, *others))
    assert running() == "3.5.0"


def test_a_download_that_was_killed_goes_on() -> None:
    archive = steps("3.5.0")[3]
    changes(Packages(names=["curl"]))
    name = "prometheus-3.5.0.linux-$(dpkg --print-architecture).tar.gz"
    sh(
        f"mkdir -p {PLACE}/program/.part && curl -sf {SERVER}/{name} | "
        f"head -c 9000000 >{PLACE}/program/.part/3.5.0"
    )
    result = apply(archive)
    assert failure(result) == ""
    assert (
        sh(f"{PLACE}/program/current/promtool --version 2>&1 | head -c 8") == "promtool"
    )
