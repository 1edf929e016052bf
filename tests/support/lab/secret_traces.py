"""Places where a secret could have been left: all processes, all artefacts, all files."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from provision.lab import engine
from provision.lab.paths import LabPaths

HIDDEN = "/run/needles"
FILES = rf"""
umask 077
cat >{HIDDEN}
uppers=$(docker ps -aq | xargs -r docker inspect --format '{{{{.GraphDriver.Data.UpperDir}}}}')
find / /run /tmp $uppers -xdev \( -path /proc -o -path /sys -o -path /var/lib/docker/overlay2 \) \
    -prune -o -type f ! -path {HIDDEN} -exec grep -lFf {HIDDEN} {{}} + |
    sort -u | xargs -r stat -c '%n %a %u'
rm {HIDDEN}
"""
"""Files with one of the lines of standard input in them; image layers are not ours."""
RECORDS = r"""
docker ps -aq | xargs -r docker inspect
docker images -q | xargs -r docker image inspect
for id in $(docker ps -aq); do docker logs "$id" 2>&1; done
journalctl --no-pager --output=export --all
"""
"""Script that prints the records of Docker and of the journal."""


def root_shell(host: str, script: str, stdin: str = "") -> str:
    """Return the output of root's shell on *host*; a secret may travel on *stdin* only."""
    lab = engine.find(LabPaths.find())
    assert lab
    done = subprocess.run(
        ["docker", "exec", "-i", f"provision-lab-{host}", "sh", "-c", script],
        input=stdin.encode(),
        env={"DOCKER_HOST": lab.address, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        timeout=300,
        check=True,
    )
    return done.stdout.decode(errors="replace")


class Watch:
    """Notes every command line and environment on this machine, and on all lab hosts:
    their processes are seen from here as well.
    """

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.rounds = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            self.rounds += 1
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / name).read_bytes())
                    except OSError:
                        continue

    def having(self, needles: Iterable[str]) -> list[bytes]:
        """Return the places that have one of *needles* in them."""
        words = [needle.encode() for needle in needles]
        return [text for text in self.seen if any(word in text for word in words)]
