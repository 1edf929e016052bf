"""A host with a stand-in for an engine: what it ran with, and whether it runs, are files.

The shell, the files and the check of daemon.json by dockerd are real; systemctl, docker and
the daemon that runs are stand-ins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shells import run
from support.namespace_host.host import NamespaceHost

from provision.model.shell import Reply, Sh
from provision.steps.docker.engine.engine import DockerEngine

UNIT = "/lib/systemd/system/docker.service"
SYSTEMCTL = r"""#!/bin/sh
conf=/etc/docker/daemon.json
engine=/run/engine
stop() {
    [ ! -e "$engine/pid" ] || kill -9 "$(cat "$engine/pid")"
    rm -f "$engine/pid" "$engine/loaded" "$engine/restarts" /run/docker.pid
}
take_over() {
    cat "$conf" >"$engine/new" 2>/dev/null || echo none >"$engine/new"
    mv "$engine/new" "$engine/loaded"
    rm -f "$engine/journal"
}
start() {
    # systemd starts it again and again.
    if grep -qs 'starts-not' "$conf"; then : >"$engine/restarts"; exit 1; fi
    take_over
    (
        trap 'if grep -q reloads-not "$conf"
            then echo "unable to configure the Docker daemon with file" >>"$engine/journal"
            else take_over; fi' HUP
        while :; do /bin/sleep 0.05; done
    ) >/dev/null 2>&1 &
    echo $! >"$engine/pid"
    echo $! >/run/docker.pid
}
for verb; do case $verb in -*) ;; *) break ;; esac; done
case $verb in
show) cat "$engine/unit" ;;
is-enabled) [ -e "$engine/enabled" ] ;;
enable) : >"$engine/enabled" ;;
stop) stop ;;
start) start ;;
restart) stop; start ;;
esac
"""
DOCKER = r"""#!/bin/sh
[ -e /run/engine/pid ] || exit 1
echo '26.1 inactive []'
"""
JOURNALCTL = "#!/bin/sh\ncat /run/engine/journal 2>/dev/null\n"
STATE = r"""
set +e
cd /etc/docker 2>/dev/null && find . -type f -exec sha256sum {} +
ls -d /etc/docker /run/provision-docker-reload /run/engine/restarts 2>/dev/null
cat /run/engine/loaded 2>/dev/null || echo stopped
ls /run/engine/enabled 2>/dev/null
true
"""


class EngineHost:
    """A host that has an engine, which the stand-ins start and stop."""

    def __init__(self, host: NamespaceHost, shell: tuple[str, ...]) -> None:
        self._host = host
        self._shell = (*host.shell[:-1], *shell)
        programs = {"systemctl": SYSTEMCTL, "docker": DOCKER, "journalctl": JOURNALCTL}
        for name, text in programs.items():
            folder = "/usr/local/bin" if name == "docker" else "/usr/bin"
            self.write(f"{folder}/{name}", text)
            self.run(f"chmod 755 {folder}/{name}")
        # No longer than the stand-in needs.
        self.write("/usr/local/bin/sleep", "#!/bin/sh\nexec /bin/sleep 0.2")
        self.run("chmod 755 /usr/local/bin/sleep; mkdir -p /run/engine")
        self.unit(f"FragmentPath={UNIT}")

    def unit(self, *lines: str) -> None:
        """Have systemctl show *lines* of the unit."""
        known = ("LoadState=loaded", "UnitFileState=enabled", *lines)
        self.write("/run/engine/unit", "".join(f"{line}\n" for line in known))

    def run(self, script: str) -> str:
        return self._host.run(script)

    def write(self, path: str, text: str) -> None:
        self.run(
            f"mkdir -p {Path(path).parent}; rm -f {path}; "
            f"cat >{path} <<'@end'\n{text.rstrip()}\n@end"
        )

    def ask(self, sh: Sh, *, strict: bool = False) -> Reply:
        return run(self._shell, sh, strict=strict)

    def state(self) -> list[str]:
        return self.run(STATE).splitlines()

    def observed(self, step: DockerEngine) -> Mapping[str, str]:
        return step.observe(self.ask(step.probe()))

    def configure(self, **keys: Any) -> Reply:
        """Give the engine *keys*, as a run would; it may have to restart for them."""
        step = DockerEngine(daemon={k.replace("_", "-"): v for k, v in keys.items()})
        changes = step.plan(self.observed(step))
        return self.ask(step.apply(changes), strict=True)


@contextmanager
def engine_host(root: Path, shell: tuple[str, ...]) -> Iterator[EngineHost]:
    with NamespaceHost(root) as host:
        engine = EngineHost(host, shell)
        yield engine
        engine.run("systemctl stop docker")
