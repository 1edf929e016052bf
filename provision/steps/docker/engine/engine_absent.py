"""The Docker engine of a host: as it was before `docker_engine`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Word
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Thing
from provision.steps.docker.engine.engine import HostEngine
from provision.steps.manifest.manifest import AS_IT_WAS, STAYS, UNDONE

PROBE = read_shell(__file__, "absent_probe.sh")
REMOVE = read_shell(__file__, "remove.sh")
CONTENTS = ("containers", "volumes", "networks", "images")
"""Fields with what is in the engine and is not the cluster's."""

WRITTEN = "written by a deploy"
PUT_BACK = {
    ("daemon.json", "remove"): (WRITTEN, None),
    ("daemon.json", "restore"): (WRITTEN, AS_IT_WAS),
    ("boot", "true"): ("true", "false"),
    ("running", "true"): ("true", "false"),
}
"""Before and after, by field and what the probe prints."""


class DockerEngineAbsent(Absence, HostEngine, kind="docker_engine_absent"):
    """No engine that `docker_engine` brought to the host, and daemon.json as it was.

    An engine that it installed is removed with its data. One that was there before, or
    that somebody else has installed since, stays; the client that was added to it goes.
    A daemon.json that somebody has edited since, and what else there is beside it, stays.

    Raises:
        RefusedError: the engine has containers, volumes, networks or images that no
            deploy of the cluster made, or other packages need it.
        ApplyError: the packages cannot be removed.
    """

    title_format = "docker engine"

    cluster: Word

    def probe(self) -> Sh:
        return Sh.of(PROBE, *self.packages, cluster=self.cluster)

    def plan(self, observed: State) -> list[Change]:
        found = [f"{what} {observed[what]}" for what in CONTENTS if what in observed]
        if found:
            raise RefusedError(
                "the engine would be removed with what no deploy of this cluster made: "
                + "; ".join(found),
                hint="remove them first (`docker rm`, `docker volume rm`, ...), or leave "
                "the engine: a lower `--level`",
            )
        if needing := observed.get("needing"):
            raise RefusedError(
                f"other packages need the engine and would go as well: {needing}",
                hint="remove them first, or leave the engine: a lower `--level`",
            )
        return [
            Change(key, *PUT_BACK.get((key, value), (value, None)))
            for key, value in observed.items()
            if not key.startswith(STAYS)
        ]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {self.thing: {}, UNDONE: {"engine": "undone"}}

    def remarks(self, observed: State) -> Iterator[str]:
        if path := observed.get(STAYS):
            yield f"{path} stays as it is: it was written since the last deploy"
        for field in observed:
            if field.startswith(f"{STAYS}."):
                yield f"{field.removeprefix(f'{STAYS}.')} stays: it was there before"

    def apply(self, changes: Sequence[Change]) -> Sh:
        goes = "engine" in {change.field for change in changes}
        return Sh.of(
            REMOVE, *self.packages, goes=goes, lock_timeout_s=self.lock_timeout_s
        )
