"""Docker containers on a host: running as described, or absent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Self

from pydantic import Field, model_validator

from provision.errors import RefusedError
from provision.model.change import Change, State, diff
from provision.model.fields import Line, Word
from provision.model.shell import Reply, Sh, Value
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Settled, Thing
from provision.steps.docker.container.options import MEMORY, Options
from provision.steps.docker.container.restarts.stop import STOP
from provision.steps.docker.engine.engine import ENGINE_RESTART
from provision.steps.files.foresight import at

PROBE = read_shell(__file__, "probe.sh")
RESUME = read_shell(__file__, "resume.sh")
RUN = read_shell(__file__, "run.sh")
EVIDENCE = read_shell(__file__, "evidence.sh")
FIND = read_shell(__file__, "find.sh")
REMOVE = r"""
docker ps --all --quiet "$@" | while read -r id; do
    docker stop -t "$stop_s" "$id"
    docker rm --force --volumes "$id"
done
"""
CURRENT = "current"
FILE = "file."
"""Prefix of the fields of files."""
RESTARTS, LATELY = "restarts", "restarted_lately"
"""Fields: the number of starts by Docker itself; if the last was in the last STEADY_S seconds."""
IN_PLACE_FIELDS = frozenset(("status", "health", "restart", RESTARTS))
"""Fields that are set right without replacing the container."""
LIVE = IN_PLACE_FIELDS | {LATELY, "image_id", "image_now"}
"""Fields that are looked up, not read from the label with the parameters."""


NO_LIMIT = ("", "0")
"""The memory of a container that may use all, as Docker says it, and of one that says none."""
CRASHES = 3
"""Restarts of a container after which one more is not waited for."""
STEADY_S = 120
"""Seconds after which a container that was started again counts as one that stays.

`probe_container.sh` has the same number.
"""
UNFORESEEN = "known after the steps before it"
MADE_AS = "made as"
"""The field, of a container that a step makes anew, with its whole state as JSON."""
CONTAINERS: Thing = "containers"
"""All containers: the image by name, "" for one that is removed."""


def container(name: str) -> Thing:
    """Return container *name* as a thing that steps write and read."""
    return f"container:{name}"


def labelled(label: str) -> Thing:
    """Return the containers with *label* (`name=value`), their images by name."""
    return f"containers labelled:{label}"


class DockerContainer(Options, kind="docker_container"):
    """A container that runs, made from exactly these parameters and this image.

    The parameters are kept as a label on the container, so an edit shows field by
    field. Whatever differs, the container is replaced; one that only stopped is
    started, an unhealthy one restarted. One that Docker has started again three times,
    the last within two minutes, is a difference: it is watched until it has stayed for
    that long, and the step fails if it ends again. Flags of the command (`--name=value`) are
    compared one by one, in any order.

    Raises:
        RefusedError: another container has the name.
        ApplyError: Docker refuses, the image is not on the host, or it ends again. The
            container that was there runs again if Docker refuses the new one.
        VerifyError: it does not stay up, or is not healthy in `settle_s` seconds; it is
            stopped if Docker starts it again and again.

    Source: docker-run(1) and docker-container-inspect(1), Docker Engine 20.10.
    """

    title_format = "container {name}"
    advice_table = {
        ("bind source path does not exist",): (
            "make what it mounts first, with a `directory` or `file` step"
        ),
        ("has ended again", "its process has ended"): (
            "see its last lines above; it ends by itself, and Docker starts it again"
        ),
        ("user namespaces are enabled",): (
            "the engine remaps users: take `userns-remap` away from its daemon.json, or "
            "leave this host out"
        ),
        ("error setting rlimit",): (
            "Docker on this host may not raise a limit so far (it has no CAP_SYS_RESOURCE, as "
            "in a container): ask for less, or run it with a higher limit"
        ),
        ("Unable to find image", "No such image"): (
            "put a `docker_image` step before it"
        ),
    }

    def probe(self) -> Sh:
        return Sh.of(PROBE, **self.probe_params())

    def probe_params(self) -> dict[str, Value]:
        """Return the variables that PROBE needs."""
        files = "\n".join(self.files)
        return {"name": self.name, "image": tagged(self.image), "files": files}

    def observe(self, reply: Reply) -> State:
        return seen(super().observe(reply), self.files)

    def desired(self) -> State:
        live = {"status": "running", "restart": self.restart}
        files = {file_field(path): CURRENT for path in self.files}
        health = {"health": "healthy"} if self.health else {}
        return self.spec() | live | files | health

    @property
    def thing(self) -> Thing:
        return container(self.name)

    def reads(self) -> list[Thing]:
        files = map(at, self.files)
        return [self.thing, ENGINE_RESTART, *files]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        if {change.field for change in changes} <= IN_PLACE_FIELDS:
            return dict(super().writes(changes))
        desired = self.desired()
        live = {key: value for key, value in desired.items() if key in LIVE}
        one = {self.name: self.image}
        return {
            self.thing: {MADE_AS: json.dumps(desired), **live},
            CONTAINERS: one,
            **{labelled(f"{k}={value}"): one for k, value in self.labels.items()},
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        for thing, state in written.items():
            if thing == self.thing:
                observed = self._made(observed, state)
            elif observed:
                observed = self._after(observed, thing, state)
        return None if UNFORESEEN in observed.values() else observed

    def _made(self, observed: State, written: State) -> State:
        """Return the state of a container that an earlier step has *written*."""
        state = dict(written)
        if not state or MADE_AS not in state:
            return {**observed, **state} if state else {}
        made = json.loads(state.pop(MADE_AS))
        # Its label has the digests of files by their number, and not their names.
        theirs = [key for key in made if key.startswith(FILE)]
        rest = {key: value for key, value in made.items() if key not in theirs}
        files = {
            mine: CURRENT if mine == there else UNFORESEEN
            for mine, there in zip(map(file_field, self.files), theirs, strict=False)
        }
        return rest | files | state

    def _after(self, observed: State, thing: Thing, state: State) -> dict[str, str]:
        """Return the state of the container that runs now, after *thing* was written."""
        after = dict(observed)
        if thing == ENGINE_RESTART and self.health and "health" in after:
            after["health"] = "starting"
        for path in self.files:
            field = file_field(path)
            # One that the container was started without stays a difference.
            known = field in after and thing == at(path)
            if known and (not state or "content" in state):
                # One that is put back may be what the container was started with.
                current = after.get(field) == CURRENT
                after[field] = "outdated" if current else UNFORESEEN
        return after

    def hopeless(self, first: State, now: State) -> str:
        return crash_loop(first, now)

    def wait_ends(self) -> tuple[Settled, ...]:
        return up_or_restarted(healthy=bool(self.health))

    def put_back(self, observed: State, changes: Sequence[Change]) -> Sh:
        return Sh.of(STOP, name=self.name)

    def plan(self, observed: State) -> list[Change]:
        if not observed:
            return [Change("container", None, self.image)]
        if "foreign" in observed:
            raise RefusedError(
                f"a container {self.name} is there that was not made by provision",
                hint=f"remove it (docker rm -f {self.name}) or choose another name",
            )
        return _differences(observed, self.desired())

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        if fields <= IN_PLACE_FIELDS:
            steady_s = STEADY_S if RESTARTS in fields else 0
            return Sh.of(RESUME, **self._common_params(), steady_s=steady_s)
        return Sh.of(RUN, *self.run_args(), **self.run_params())

    def run_args(self) -> list[str]:
        """Return the last words of `docker run`: flags, image and command."""
        flags = [flag for *_, flag in self.options() if flag]
        return [*flags, self.image, *self.command]

    def run_params(self) -> dict[str, Value]:
        """Return the variables that RUN needs, and so do its parts in other scripts."""
        return {
            **self._common_params(),
            "image": self.image,
            "spec": json.dumps(self.spec()),
            "files": "\n".join(self.files),
            "nofile": self.nofile,
            "pause_s": 0 if self.health else 1,
            "shm_percent": 0 if self.shm_mb else self.shm_percent,
        }

    def _common_params(self) -> dict[str, Value]:
        return {"name": self.name, "restart": self.restart, "stop_s": self.stop_s}

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, name=self.name)


class DockerContainerAbsent(Absence, kind="docker_container_absent"):
    """No container has one of these names, or this label.

    Source: docker-ps(1) and docker-rm(1), Docker Engine 20.10.
    """

    title_format = "containers {label}{names}"

    names: tuple[Word, ...] = ()
    label: Line = ""
    """A label as `name=value`: every container that has it goes."""
    stop_s: int = Field(default=30, ge=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.names) == bool(self.label):
            raise ValueError("give either names or a label")
        return self

    def probe(self) -> Sh:
        return Sh.of(FIND, *self._filters())

    def describes(self) -> list[Thing]:
        return [container(name) for name in self.names]

    def reads(self) -> list[Thing]:
        by_label = [labelled(self.label)] if self.label else []
        return [CONTAINERS, *by_label]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        gone: dict[Thing, State] = {container(change.field): {} for change in changes}
        return gone | {CONTAINERS: {change.field: "" for change in changes}}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        now = written.get(CONTAINERS, {})
        mine = written.get(labelled(self.label), {}) if self.label else self.names
        made = {name: image for name, image in now.items() if image and name in mine}
        return {
            name: image for name, image in observed.items() if name not in now
        } | made

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(REMOVE, *self._filters(), stop_s=self.stop_s)

    def _filters(self) -> list[str]:
        names = [f"--filter=name=^/{re.escape(name)}$" for name in self.names]
        return names or [f"--filter=label={self.label}"]


def crash_loop(first: State, now: State) -> str:
    """Return a text if Docker has started the container again too often since *first*."""
    often = int(now.get(RESTARTS, 0)) - int(first.get(RESTARTS, 0))
    return f"its process has ended {often} times" if often >= CRASHES else ""


def up_or_restarted(*, healthy: bool) -> tuple[Settled, ...]:
    """Return what ends the wait for a container: it is up, or Docker has restarted it.

    Args:
        healthy: it is up once it is healthy; else, once it runs.
    """
    up = "health=healthy" if healthy else "status=running"
    return Settled(((up,),)), Settled(((f"{RESTARTS}=", ""),))


def unsteady(observed: State) -> list[Change]:
    """Return the change of a container that ends, and is started again, all the time.

    Docker counts its own starts alone: that of a person or a deploy begins at 0.
    """
    often = int(observed.get(RESTARTS, 0))
    lately = observed.get(LATELY) == "true"
    return [Change(RESTARTS, str(often), "0")] if often >= CRASHES and lately else []


def tagged(image: str) -> str:
    """*image* as it is never a container's name."""
    return image if {*":@/"} & {*image} else f"{image}:latest"


def file_field(path: str) -> str:
    """The field that says whether the container has read *path* as it is now."""
    return f"{FILE}{path}"


def seen(found: Mapping[str, str], files: Sequence[str]) -> dict[str, str]:
    """Return the state of an inspected container, with the parameters on its label unfolded.

    Args:
        found: what the probe printed.
        files: those that the container reads.
    """
    if "status" not in found:
        return {}
    state = dict(found)
    now, then = (state.pop(key, "").split() for key in ("files_now", "files_then"))
    label = state.pop("spec", "")
    if not label.startswith("{"):
        return {"foreign": "true"}
    for path, is_now, was in zip_longest(files, now, then):
        if path and was:
            state[file_field(path)] = CURRENT if is_now == was else "outdated"
    spec: dict[str, str] = json.loads(label)
    limit = state.pop("memory", "")
    return state | _with_memory(spec, limit)


def _with_memory(spec: dict[str, str], limit: str) -> dict[str, str]:
    """Return the parameters *spec* with the memory that Docker says, in bytes.

    It may be changed while a container runs, and the parameters on its label are not.
    """
    rest = {field: value for field, value in spec.items() if field != MEMORY}
    if limit in NO_LIMIT:
        return rest
    whole, part = divmod(int(limit), 2**20)
    return {**rest, MEMORY: f"{limit} bytes" if part else str(whole)}


def _differences(observed: State, desired: State) -> list[Change]:
    """The changes, with those of parameters that are no longer given, and the image."""
    removed = [
        Change(field, value, None)
        for field, value in observed.items()
        if field not in desired and field not in LIVE
    ]
    before, now = observed.get("image_id"), observed.get("image_now")
    renamed = observed.get("image") != desired.get("image")
    moved = now and now != before and not renamed
    image = [Change("image_id", before, now)] if moved else []
    changes = [*diff(observed, desired), *unsteady(observed), *removed, *image]
    # A container that is replaced is a new one in all that can be set right in place.
    return [c for c in changes if c.field not in IN_PLACE_FIELDS] or changes
