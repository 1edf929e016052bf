"""Container images on a host: present, or absent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.model.change import Change, State
from provision.model.fields import Seconds, Word
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Settled, Step, Thing, lines_of
from provision.steps.manifest.manifest import ABSENT, STAYS, UNDONE
from provision.steps.room import Megabytes, refuse_full

PROBE = read_shell(__file__, "image_probe.sh")
BROUGHT_PROBE = read_shell(__file__, "image_brought_probe.sh")
ABSENT_PROBE = read_shell(__file__, "image_absent_probe.sh")
PULL = 'docker pull "$name"'
REMOVE = 'docker image rm "$name"'
# Why the journal: with a mirror, Docker reports only the error of the last registry.
EVIDENCE = r"""
journalctl -u docker -n 30 --no-pager -o cat 2>/dev/null |
    sed -n 's/.*Attempting next endpoint for pull after error: \(.*\)"$/before: \1/p' |
    tail -n 3
root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null) || root=/
df -h "$root"
"""
ADVICE = {
    ("no space left on device",): (
        "free space where Docker keeps its data (shown above), for example with "
        "`docker system prune`, and run again"
    ),
    ("manifest unknown", "not found"): (
        "there is no such image or tag: check its spelling"
    ),
    ("access denied",): (
        "check the spelling; if the image is private, run `docker login` on the host "
        "as root"
    ),
    ("unauthorized",): "run `docker login` on the host as root",
    ("toomanyrequests",): (
        "the registry limits pulls: set docker_registry_mirrors, run `docker login` on "
        "the host, or wait"
    ),
    ("server gave HTTP response to HTTPS client",): (
        "name the registry in `insecure-registries` of the engine's `daemon` keys"
    ),
    ("no such host",): "the host cannot resolve the registry's name: see its DNS",
    ("i/o timeout", "connection refused"): (
        "the host cannot reach the registry: see its network, or set "
        "docker_registry_mirrors"
    ),
}
"""Advice by words in the output of `docker pull`."""


def image_named(name: str) -> Thing:
    """Return image *name* as a thing that steps write and read."""
    return f"image:{name}"


class NamedImage(Step):
    """An image of this name, which is on the host or is not."""

    name: Word

    @property
    def thing(self) -> Thing:
        return image_named(self.name)


class DockerImage(NamedImage, kind="docker_image"):
    """An image that is on the host under this name, pulled if it is not.

    A tag that moved in the registry is not followed: what is there under the name
    stays. To follow it write the image with its digest, `name@sha256:...`.

    Raises:
        RefusedError: there is no room for it, see `room_mb`.
        ApplyError: the registry cannot be reached, has no such image or asks for a
            login, or the disk is full.

    Source: docker-pull(1) and docker-image-inspect(1), Docker Engine 20.10.
    """

    title_format = "image {name}"
    advice_table = ADVICE

    timeout_s: Seconds = 1800
    room_mb: Megabytes = 1000
    """Room that is needed where Docker keeps its data, if the image is missing."""

    def probe(self) -> Sh:
        return Sh.of(PROBE, name=self.name, room_mb=self.room_mb)

    def desired(self) -> State:
        return {"image": self.name}

    def plan(self, observed: State) -> list[Change]:
        changes = super().plan(observed)
        if changes:
            refuse_full(observed, f"the image {self.name}", self.room_mb, "room_mb")
        return changes

    def settled(self) -> Settled:
        return Settled(lines_of(self.desired()))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(PULL, name=self.name)

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE)


class DockerImageAbsent(Absence, NamedImage, kind="docker_image_absent"):
    """An image that is not on the host under this name.

    With a daemon that is down, its files tell that the image is not there; whether it
    is, only the daemon knows. With `only_brought` an image stays that no step of
    provision has pulled.

    Raises:
        ProbeError: the daemon is down, and may find the image when it starts.
        ApplyError: a container still uses it.

    Source: docker-image-rm(1), Docker Engine 20.10.
    """

    title_format = "image {name}"
    advice_table = {
        ("daemon running", "daemon is running"): (
            "start it on the host: `systemctl start docker`"
        )
    }

    only_brought: bool = False

    def probe(self) -> Sh:
        if self.only_brought:
            return Sh.of(BROUGHT_PROBE, name=self.name, thing=self.thing)
        return Sh.of(ABSENT_PROBE, name=self.name)

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        noted = state.pop("noted", ABSENT)
        if state and noted != ABSENT:
            return {STAYS: self.name}
        # Its id is nothing that a plan could know of one that is yet to be pulled.
        return {"image": self.name} if state else {}

    def remarks(self, observed: State) -> Iterator[str]:
        if STAYS in observed:
            yield f"the image {self.name} stays: no run is known to have pulled it"

    def plan(self, observed: State) -> list[Change]:
        return [] if STAYS in observed else super().plan(observed)

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {**super().writes(changes), UNDONE: {"images": "undone"}}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(REMOVE, name=self.name)
