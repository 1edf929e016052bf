"""Services of a host: running with the files as they are now, or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Settled, Step, Thing, lines_of
from provision.steps.files.archive import archive_in
from provision.steps.files.foresight import at

Name = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.@-]*\z")]


def _page(value: str) -> str:
    _ = urlsplit(value).port  # raises ValueError
    return value


HEALTH = r"\A(http://[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}(/[!-~]*)?)?\z"
Page = Annotated[str, Field(pattern=HEALTH), AfterValidator(_page)]

PROBE = read_shell(__file__, "service_probe.sh")
START = read_shell(__file__, "service_start.sh")
EVIDENCE = r"""
# One that was remembered as well, such as after a rollback, has nothing to explain.
[ ! -e "/run/provision-started.$name" ] || exit 0
if [ -d /run/systemd/system ]; then
    systemctl show -p Result -p ExecMainStatus "$name"
    journalctl -u "$name" -n 15 --no-pager -o cat
else
    tail -n 15 "/var/log/$name.log"
fi 2>/dev/null
"""


WELL = {"listener": "its own process", "restarts": "0"}
"""Fields that are there only of a service that is not well, and what they are to be."""
STARTS = {"running", "files", *WELL}
"""Fields of which a change starts or stops the service."""
MADE_FROM = "made_from"
"""The field with the files that a service was started with; only in what is written."""
STOPPED = {"running": "false", "boot": "false", "files": "current"}
"""State of a service that was not started since its unit file was made."""


def service(name: str) -> Thing:
    """Return service *name* as a thing that steps write and read."""
    return f"service:{name}"


def units_of(name: str) -> list[Thing]:
    """Return the files of which one makes service *name* known to the host."""
    return [at(f"/etc/systemd/system/{name}.service"), at(f"/etc/init.d/{name}")]


class NamedService(Step):
    """A service of this name, which runs or does not."""

    name: Name

    @property
    def thing(self) -> Thing:
        return service(self.name)


class Service(NamedService, kind="service"):
    """A service that runs, also after a reboot, with its files as they are now.

    A change of one of `files` since the last start is a difference of this step, so
    the service is restarted, whoever wrote the file and whenever. What it was started
    with is remembered on the host; if it was started by someone else, its files must
    be older than the start. systemd is used where it runs, else the init script.

    With `archive`, another version there is a difference too; when it does not become
    healthy, the link `current` goes back to the version that was healthy before, that
    one is started, and the step fails. The next run tries the new version again.

    Example:
        service:
          name: prometheus
          files: [/etc/prometheus/prometheus.yml]
          archive: /opt/prometheus
          health: http://127.0.0.1:9090/-/ready

    With `health`, its own process must listen at that port, and one that systemd has
    started again three times, the last within two minutes, is a difference.

    Raises:
        RefusedError: another process has the port of `health`.
        ApplyError: there is no such service, or it did not stay up or become healthy;
            the report has the last lines of its journal. One that systemd would start
            again and again is stopped, and not started at boot if it was not before.

    Source: systemctl(1), systemd 239; update-rc.d(8).
    """

    title_format = "service {name}"

    running: bool = True
    boot: bool = True
    """Start it at boot."""
    files: tuple[AbsPath, ...] = ()
    """Files that it reads when it starts: configuration, its program, its unit file."""
    stays_s: float = Field(default=2, ge=0)
    """Seconds that it has to stay up to count as started; with `health`, that counts."""
    archive: AbsPath | Literal[""] = ""
    """The folder of the `archive` step that its program comes from."""
    health: Page = ""
    """A page that answers 200 once it is well, asked from the host after each start."""
    health_s: int = Field(default=60, ge=1)
    """Seconds that this may take."""

    def probe(self) -> Sh:
        page = urlsplit(self.health)
        return Sh.of(
            PROBE,
            *self.files,
            name=self.name,
            archive=self.archive,
            host=page.hostname or "",
            port=page.port or "",
        )

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        # A unit without an [Install] section cannot be enabled, nor need be disabled.
        if not self.boot and state.get("boot") in {"static", "masked"}:
            state["boot"] = "false"
        return state

    def desired(self) -> State:
        running, boot = str(self.running).lower(), str(self.boot).lower()
        made_from = self.running and (self.files or self.archive)
        files = {"files": "current"} if made_from else {}
        return {"running": running, "boot": boot, **files}

    def reads(self) -> list[Thing]:
        return [self.thing, *units_of(self.name), *self._made_from()]

    def _made_from(self) -> list[Thing]:
        """Return the things of which a change is a reason for a restart."""
        archive = [archive_in(self.archive)] if self.archive else []
        return [*map(at, self.files), *archive]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        # Files that are put back may be what it was started with.
        may_be_restored = observed.get("files") == "outdated"
        for thing, state in written.items():
            if thing == self.thing:
                observed = self._after(observed, state)
            elif "running" not in observed:  # there is none yet; its port may be taken
                if state and thing in units_of(self.name):
                    observed = {**observed, **STOPPED}
            elif not state and thing in units_of(self.name):
                return None  # another unit file of the name may lie below /lib
            elif self._is_made_from(thing, state, observed):
                if may_be_restored:
                    return None
                observed = {**observed, "files": "outdated"}
        return observed

    def _after(self, observed: State, written: State) -> State:
        """Return the state after an earlier step about the service has *written*."""
        made_from = written.get(MADE_FROM)
        rest = {key: value for key, value in written.items() if key != MADE_FROM}
        after = {**observed, **(rest or STOPPED)}
        if made_from is not None:  # it was started, whatever ailed it before
            after = {key: value for key, value in after.items() if key not in WELL}
            mine = json.dumps([*self.files, self.archive])
            after |= {"files": "current" if made_from == mine else "outdated"}
        elif after.get("running") != "true":
            after["files"] = "current"
        return after

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        state = super().writes(changes)
        if self.running and {change.field for change in changes} & STARTS:
            made_from = json.dumps([*self.files, self.archive])
            state = {self.thing: {**state[self.thing], MADE_FROM: made_from}}
        return dict(state)

    def _is_made_from(self, thing: Thing, state: State, observed: State) -> bool:
        """Return whether *state*, written of *thing*, is a reason for a restart."""
        if observed["running"] != "true" or thing not in self._made_from():
            return False
        of_content = not state or bool({"content", "type", "current"} & state.keys())
        return of_content or observed.get("compared") == "times"

    def plan(self, observed: State) -> list[Change]:
        port = urlsplit(self.health).port
        if (process := observed.get("taken")) and self.running:
            raise RefusedError(
                f"port {port} belongs to another process: {process}",
                hint=f"stop that, or give {self.name} another port",
            )
        ill = [
            Change(field, observed[field], well)
            for field, well in WELL.items()
            if field in observed and self.running
        ]
        return [*super().plan(observed), *ill]

    def settled(self) -> Settled | None:
        if not self.boot:
            return None
        wrong = ("taken", *WELL) if self.running else ()
        never = tuple(f"\n{field}=" for field in wrong)
        return Settled(lines_of(self.desired()), never=never)

    def printed(self, state: State) -> Settled | None:
        if not self.boot or "running" not in state:
            return None
        # Files are compared with the start of a service that runs.
        compared = {} if state["running"] == "true" else {"compared": "contents"}
        return Settled(lines_of({**state, **compared}), only=True)

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        acts = bool(fields & STARTS)
        page = urlsplit(self.health)
        return Sh.of(
            START,
            *self.files,
            name=self.name,
            act=("restart" if self.running else "stop") if acts else "",
            boot=("enable" if self.boot else "disable") if "boot" in fields else "",
            stays_s=self.stays_s,
            archive=self.archive,
            host=page.hostname or "",
            port=page.port or "",
            path=page.path + (f"?{page.query}" if page.query else "") or "/",
            health_s=self.health_s,
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, name=self.name)

    def advice(self, problem: str) -> str:
        if "rolled back:" in problem:
            return "the next run tries it again; to stay, set its version back"
        if "has no service" in problem:
            return "install it first: `packages`, or a `systemd_unit` step"
        if "is masked" in problem or "boot: masked" in problem:
            return f"someone masked it: `systemctl unmask {self.name}` on the host"
        if "boot: static" in problem:
            return "its unit has no [Install] section: add one, or set boot: false"
        return ""


ABSENT_PROBE = read_shell(__file__, "service_absent_probe.sh")
STOP = read_shell(__file__, "service_stop.sh")


class ServiceAbsent(Absence, NamedService, kind="service_absent"):
    """A service that neither runs nor starts at boot; its files stay.

    Example:
        service_absent: {name: prometheus}

    Raises:
        ApplyError: it cannot be stopped.

    Source: systemctl(1), systemd 239; update-rc.d(8).
    """

    title_format = "no service {name}"

    def probe(self) -> Sh:
        return Sh.of(ABSENT_PROBE, name=self.name)

    def reads(self) -> list[Thing]:
        return [self.thing, *units_of(self.name)]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        if observed and {} in [written.get(unit) for unit in units_of(self.name)]:
            return None  # as in `Service`
        there = super().foresee(observed, written) or {}
        # The probe prints what is to end, and no more.
        up = {field: there.get(field, "false") for field in ("running", "boot")}
        return {field: value for field, value in up.items() if value != "false"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(STOP, name=self.name)

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, name=self.name)
