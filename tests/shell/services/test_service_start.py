"""A service that does not stay up is not left to systemd, which would start it for ever.

The host is a mount namespace; systemctl is a stand-in that keeps the unit's state in a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import EACH_SHELL, run
from support.namespace_host.host import NamespaceHost, possible

from provision.model.change import Change
from provision.model.shell import Reply
from provision.steps.services.service import Service

pytestmark = pytest.mark.skipif(not possible(), reason="needs root and unshare")
SYSTEMCTL = r"""#!/bin/sh
unit=/run/unit
for verb; do case $verb in -*) ;; *) break ;; esac; done
case $verb in
show) cat "$unit" ;;
restart)
    printf 'LoadState=loaded\n%s\n' "$(cat /run/becomes)" >"$unit"
    [ ! -e /run/refuses ] ;;
stop) printf 'LoadState=loaded\nActiveState=inactive\nNRestarts=0\n' >"$unit" ;;
enable) : >/run/enabled ;;
esac
"""
UP = "ActiveState=active\nNRestarts=0"
BEGUN = [Change("running", "false", "true"), Change("boot", "false", "true")]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[NamespaceHost]:
    with NamespaceHost(tmp_path) as host:
        host.run(
            f"rm -f /usr/bin/systemctl; cat >/usr/bin/systemctl <<'@end'\n{SYSTEMCTL}"
            "@end\nchmod 755 /usr/bin/systemctl\n"
            "printf 'LoadState=loaded\\nActiveState=inactive\\n' >/run/unit"
        )
        yield host


def started(host: NamespaceHost, shell: tuple[str, ...], becomes: str) -> Reply:
    host.run(f"printf '%s\\n' '{becomes}' >/run/becomes")
    sh = Service(name="web").apply(BEGUN)
    return run((*host.shell[:-1], *shell), sh, strict=True)


def left(host: NamespaceHost) -> tuple[str, bool]:
    """The state that it is left in, and whether it starts at boot."""
    state = host.run("sed -n s/ActiveState=//p /run/unit").strip()
    return state, bool(host.run("ls /run/enabled 2>/dev/null || true"))


@EACH_SHELL
def test_one_that_stays_up_starts_at_boot_as_well(
    shell: tuple[str, ...], host: NamespaceHost
) -> None:
    assert started(host, shell, UP).exit == 0
    assert left(host) == ("active", True)


@EACH_SHELL
@pytest.mark.parametrize(
    "becomes",
    ["ActiveState=activating\nNRestarts=1", "ActiveState=active\nNRestarts=2"],
)
@pytest.mark.parametrize("refuses", [False, True])
def test_one_that_is_started_again_and_again_is_stopped(
    shell: tuple[str, ...], host: NamespaceHost, becomes: str, refuses: bool
) -> None:
    if refuses:
        host.run("touch /run/refuses")
    done = started(host, shell, becomes)
    assert done.exit not in {0, None}
    assert "it is stopped: systemd would have started it again" in done.stderr
    assert left(host) == ("inactive", False)
    assert host.run("ls /run/provision-started.web 2>/dev/null || true") == ""


@EACH_SHELL
def test_one_that_has_failed_for_good_is_left_to_be_looked_at(
    shell: tuple[str, ...], host: NamespaceHost
) -> None:
    done = started(host, shell, "ActiveState=failed\nNRestarts=0")
    assert done.exit not in {0, None}
    assert left(host) == ("failed", False)
