"""The container of a Ray node from before the last replacement, put back in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State, diff
from provision.model.fields import AbsPath, Line, Seconds, Word
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.compatibility import (
    FULL_RESTART,
    VERSION_FIELD,
    can_wait,
    full_restart,
)
from provision.steps.docker.container.container import (
    EVIDENCE,
    IN_PLACE_FIELDS,
    container,
)

PROBE = read_shell(__file__, "rollback_probe.sh")
ROLL_BACK = read_shell(__file__, "rollback.sh")
UNDONE = "undone.run"
"""The field with the run whose container was rolled back last on the host."""
STARTED = {"status": "running", "health": "healthy"}
RUNNING = {**STARTED, "restart": "unless-stopped"}


class Previous(Step):
    """The Ray node as it was before the last replacement: whether it goes back, and when.

    The state has fields of what is there now, and of what is kept from before.
    """

    undoes_run: ClassVar[bool] = True

    cluster: Word
    data_dir: AbsPath
    """As in the step `ray_head`: the run that was rolled back is recorded there."""
    tables: AbsPath | None = None
    """The head's tables: emptied when the previous container has another Ray."""
    run: Line = ""
    """Replace only what this run made; "" = any."""
    keep_usable: bool = False
    """Leave a node alone that works and can wait, as `ray_worker` does."""
    drain_s: int = Field(default=300, ge=0)
    stop_s: int = Field(default=30, ge=0)
    settle_s: float = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    running: ClassVar[Mapping[str, str]] = STARTED
    """Fields of a node that was put back and works."""

    def desired(self) -> State:
        return {f"now.{field}": value for field, value in self.running.items()}

    def plan(self, observed: State) -> list[Change]:
        now, then = side(observed, "now"), side(observed, "then")
        if then and self._replaceable(now):
            return self._back(now, then)
        if not now or (self.run and now.get("run") == self.run):
            return []
        return diff(now, self.running)

    def _replaceable(self, now: State) -> bool:
        return not self.run or not now or now.get("run") == self.run

    def _back(self, now: State, then: State) -> list[Change]:
        live = {*RUNNING, "run", "cluster"}
        fields = [field for field in {**now, **then} if field not in live]
        changes = [
            Change(field, now.get(field), then.get(field))
            for field in fields
            if now.get(field) != then.get(field)
        ]
        at_once = list(full_restart(now, changes, version_known=True))
        if self.keep_usable and not at_once and can_wait(now, changes):
            return []
        return [*at_once, *changes]


class RayPrevious(Previous, kind="ray_previous"):
    """The Ray node runs in the container it had before the last replacement.

    The container that replaced it is removed. Where no previous container is kept, the
    present one stays; if it was put back and not yet started, it is started.

    Raises:
        RefusedError: one of the two containers is not the cluster's.
        ApplyError: the node could not be drained.
        VerifyError: the previous container is not healthy in `settle_s` seconds.

    Source: docker-rename(1), Docker Engine 20.10.
    """

    title_format = "previous container of ray-{cluster}"
    running: ClassVar[Mapping[str, str]] = RUNNING

    @property
    def thing(self) -> Thing:
        return container(self._name)

    @property
    def _name(self) -> str:
        return container_name(self.cluster)

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        return {} if self.thing in written else observed

    def probe(self) -> Sh:
        return Sh.of(PROBE, name=self._name, data_dir=self.data_dir)

    def observe(self, reply: Reply) -> State:
        state = super().observe(reply)
        undone = {key: value for key, value in state.items() if key == UNDONE}
        return undone | {
            f"{name}.{field}": value
            for name in ("now", "then")
            for field, value in _unfolded(state, name).items()
        }

    def desired(self) -> State:
        return {**super().desired(), "now.cluster": self.cluster}

    def plan(self, observed: State) -> list[Change]:
        now, then = side(observed, "now"), side(observed, "then")
        for name, found in ((self._name, now), (f"{self._name}-previous", then)):
            if found and found.get("cluster") != self.cluster:
                raise RefusedError(
                    f"a container {name} is there that was not made by provision",
                    hint=f"remove it (docker rm -f {name}), or rename it",
                )
        return super().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        another_ray = VERSION_FIELD in fields
        return Sh.of(
            ROLL_BACK,
            name=self._name,
            cluster=self.cluster,
            back="" if fields <= IN_PLACE_FIELDS else "yes",
            data_dir=self.data_dir,
            drain_s=0 if FULL_RESTART in fields else self.drain_s,
            stop_s=self.stop_s,
            tables=self.tables or "",
            wipe="yes" if self.tables and another_ray else "",
            run=self.run,
            why="provision goes back to the previous container",
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, name=self._name)


def side(observed: State, name: str) -> dict[str, str]:
    """Return the fields of the side *name* of the state: `now` or `then`."""
    found = {k.partition(".")[2]: v for k, v in observed.items() if k.startswith(name)}
    return {k: v for k, v in found.items() if k}


def _unfolded(state: State, name: str) -> dict[str, str]:
    """Return the state of one container, with the parameters on its label as fields."""
    found = side(state, name)
    label = found.pop("spec", "")
    spec: dict[str, str] = json.loads(label) if label.startswith("{") else {}
    return found | spec


def latest(observed: Iterator[State]) -> str:
    """Return the run that replaced a container last on the *observed* hosts; "" = none.

    A run that was rolled back counts: what earlier runs replaced stays.
    """
    keys = ("now.run", UNDONE)
    return max((state.get(key, "") for state in observed for key in keys), default="")
