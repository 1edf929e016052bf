"""A change that fails leaves no temporary file, whichever of its tools it is that fails.

The host is a mount namespace: shell, tools and files are real, systemctl and docker are
stand-ins, and so is curl.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shells import run, samples
from support.namespace_host.host import NamespaceHost, possible

from provision.model.step import Step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not possible(), reason="needs root and unshare"),
]
KINDS = (
    "archive",
    "directory",
    "docker_container",
    "docker_engine",
    "docker_image",
    "file",
    "manifest_clean",
    "ray_dashboards",
    "retired_secrets",
    "service",
    "systemd_unit",
)
"""Kinds of which this host can make the changes, or begin them."""
TOOLS = (
    "cat",
    "chmod",
    "chown",
    "cp",
    "docker",
    "install",
    "ln",
    "mv",
    "systemctl",
    "tar",
)
CURL = r"""#!/bin/sh
while [ $# -gt 2 ]; do shift; done
cd /run/web
case $2 in
*sums*) echo "$(sha256sum <x.tar | cut -c -64)  prometheus-3.5.0.linux-amd64.tar.gz" >"$1" ;;
*) /bin/cat x.tar >"$1" ;;
esac
"""
PREPARE = r"""
mkdir -p /var/lib/.provision /run/web/x /run/tmp /srv/old /etc/docker
echo old >/srv/old/file
echo '{}' >/etc/docker/daemon.json
echo program >/run/web/x/program
tar -cf /run/web/x.tar -C /run/web x
rm -f /usr/bin/apt-get /usr/bin/dpkg-query /usr/sbin/dockerd
"""
LEFT = r"""
find /etc/docker /etc/systemd /opt /srv /var/lib/.provision /run -xdev \( -name '*.new' -o -name '*.old' -o -name '.new' \
    -o -name '.old' -o -name '.current' -o -name '*-reload' -o -name '*.provision-before' \
    -o -path '/run/tmp/*' \) | sort
"""
STEPS = {
    step.apply(step.plan({})).render(): (name, step)
    for name, step in samples().items()
    if name.partition("/")[0] in KINDS
}
"""The name of a case and its step, one for each script that makes a change."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespaceHost]:
    with NamespaceHost(tmp_path_factory.mktemp("host")) as host:
        host.run(PREPARE)
        host.run(
            f"cat >/usr/local/bin/curl <<'@end'\n{CURL}@end\nchmod 755 /usr/local/bin/curl"
        )
        host.run("cp /usr/local/bin/docker /run/docker")
        yield host


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("step", [pytest.param(s, id=n) for n, s in STEPS.values()])
def test_no_temporary_file_is_left(host: NamespaceHost, step: Step, tool: str) -> None:
    before = host.run(LEFT)
    place = f"/usr/local/bin/{tool}"
    host.run(
        f"/bin/rm -f {place}; printf '#!/bin/sh\\nexit 1\\n' >{place}; /bin/chmod 755 {place}"
    )
    env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": "/run/tmp"}
    try:
        run(host.shell, step.apply(step.plan({})), strict=True, env=env)
    finally:
        host.run(f"/bin/rm -f {place}")
        if tool == "docker":
            host.run(f"/bin/cp /run/docker {place}")
    assert host.run(LEFT) == before
