"""The Docker engine of a host: absent, if it was installed by us."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Word
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence
from provision.steps.docker.engine.engine import HostEngine

PROBE = read_shell(__file__, "absent_probe.sh")
REMOVE = read_shell(__file__, "remove.sh")
REMOVE_CLIENT = read_shell(__file__, "remove_client.sh")


class DockerEngineAbsent(Absence, HostEngine, kind="docker_engine_absent"):
    """No Docker engine of ours: one that `docker_engine` installed is removed whole.

    An engine that was there before, or that someone installed since, stays; a client
    that `docker_engine` added to it goes.

    Raises:
        RefusedError: it has containers that are not the cluster's.
        ApplyError: the packages cannot be removed.
    """

    title_format = "docker engine"

    cluster: Word

    def probe(self) -> Sh:
        return Sh.of(PROBE, cluster=self.cluster)

    def plan(self, observed: State) -> list[Change]:
        if others := observed.get("others"):
            raise RefusedError(
                f"the engine has containers that are not the cluster's: {others}",
                hint="remove them first, or leave the engine",
            )
        return super().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        if all(change.field == "client" for change in changes):
            # Without its client an engine of somebody else's is as it was found.
            return Sh.of(REMOVE_CLIENT, lock_timeout_s=self.lock_timeout_s)
        return Sh.of(REMOVE, *self.packages, lock_timeout_s=self.lock_timeout_s)
