"""A virtual environment of Python, by version, with packages from an index or from wheels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Line, OwnPath, Seconds
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step, Thing, Upload, lines_of
from provision.steps.files.archive import Version
from provision.steps.files.foresight import at, read_at
from provision.steps.packages.packages import package
from provision.steps.python.wheels import (
    HostPython,
    Wheel,
    digest,
    normal_name,
    wheels_in,
)
from provision.steps.room import Megabytes, refuse_full, room_fields

PROBE = read_shell(__file__, "probe.sh")
INSTALL = read_shell(__file__, "install.sh")
PROJECT = re.compile(r"\A[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
EXACT = re.compile(r"\A[^=]*==\s*([^\s;,*]+)\Z")
PYTHON, MACHINE, VENV = "python", "machine", "venv"
"""Fields about the Python that an environment is to be made with."""
ABOUT_PYTHON = (PYTHON, MACHINE, VENV)
CURRENT, BASE = "current", "base"


def _program(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_/.+-]+", value) or value.startswith("-"):
        raise ValueError("must be the name or the path of a program, such as python3")
    return value


def _requirement(value: str) -> str:
    if not PROJECT.match(value):
        raise ValueError(f"{value!r} is no requirement, such as `numpy>=2`")
    return value


Program = Annotated[Line, AfterValidator(_program)]
Requirement = Annotated[Line, AfterValidator(_requirement)]
Minor = Annotated[str, Field(pattern=r"\A(3\.[0-9]{1,2})?\z")]


def environment_at(folder: str, link: str = CURRENT) -> Thing:
    """Return the environment that *link* in *folder* shows as a thing that steps write."""
    return f"environment of Python:{folder}/{link}"


class PythonEnvironment(Step, kind="python_environment"):
    """A virtual environment with these packages, at `folder/current`.

    Each set of parameters has an environment of its own in `folder`, made beside those
    that are there; then the link `folder/current` is switched to it. The one before is
    kept, so going back to it installs nothing; so is one whose programs run.

    With `wheels`, a folder on the machine that runs this program, packages come from
    there alone, and the host needs no index: the wheels that fit its Python are sent.

    Example:
        python_environment:
          folder: /opt/simulation
          version: 1.4.0
          requirements: ["simulation[gpu]==1.4.0"]
          python_version: "3.11"

    Raises:
        RefusedError: the Python is too old, another than `python_version`, or has no venv;
            `wheels` has none for it; there is no room.
        ApplyError: pip does not find a package, or two of them contradict each other.

    Source: `python3 -m venv`, Python 3.9; `pip install`, pip 20.3.
    """

    title_format = "python environment {folder} {version}"

    folder: OwnPath
    version: Version
    """A name for people; environments with other packages can have the same."""
    link: Literal["current", "base"] = "current"
    """The link that shows it; base = another step builds the current one on it."""
    requirements: tuple[Requirement, ...] = Field(min_length=1)
    constraints: Line = ""
    """A file of constraints on the machine that runs this program."""
    python: Program = "python3"
    """The program that makes the environment."""
    at_least: Minor = "3.9"
    """The oldest Python that will do."""
    python_version: Minor = ""
    """The Python that it has to be, such as 3.11; "" = any."""
    wheels: Line = ""
    index: Line = ""
    """The URL of an index; "" = as the host's pip is configured."""
    room_mb: Megabytes = 1000
    """Room that is needed for it, and for its wheels."""
    timeout_s: Seconds = 1800

    @model_validator(mode="after")
    def _has_constraints(self) -> Self:
        try:
            self._constraints()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"constraints: {self.constraints} cannot be read here: {error}"
            ) from error
        return self

    def _constraints(self) -> str:
        if not self.constraints:
            return ""
        return Path(self.constraints).expanduser().read_text("utf-8")

    @model_validator(mode="after")
    def _has_wheels(self) -> Self:
        if not self.wheels:
            return self
        try:
            found = self._wheels()
        except OSError as error:
            raise ValueError(
                f"wheels: {self.wheels} cannot be read here: {error.strerror}"
            ) from error
        if not found:
            raise ValueError(
                f"wheels: {self.wheels} has no file that is named as a wheel (*.whl)"
            )
        return self

    def _wheels(self) -> list[Wheel]:
        return wheels_in(Path(self.wheels).expanduser()) if self.wheels else []

    @property
    def name(self) -> str:
        """The name of the environment in `folder`."""
        made_from = "\n".join(
            (
                *self.requirements,
                self._constraints(),
                self.python,
                self.index,
                *(f"{w.path.name} {digest(w.path)}" for w in self._wheels()),
            )
        )
        return f"{self.version}-{sha256(made_from.encode()).hexdigest()[:8]}"

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            folder=self.folder,
            name=self.name,
            link=self.link,
            python=self.python,
            room_mb=self.room_mb,
        )

    @property
    def thing(self) -> Thing:
        return environment_at(self.folder, self.link)

    def desired(self) -> State:
        return {self.link: self.name}

    def reads(self) -> list[Thing]:
        names = ("python3", "python3-venv")
        return [self.thing, *read_at(self.folder), *map(package, names)]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        folder = at(self.folder)  # noted, so that a teardown takes it away
        return {self.thing: {self.link: self.name}, folder: {"type": "directory"}}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        for thing, state in written.items():
            if thing == self.thing:
                observed = {**observed, **state}
            elif thing.startswith(package("")):
                if PYTHON not in observed or VENV in observed:
                    return {**room_fields(observed)}  # its Python is not there yet
            elif not state:
                observed = {k: v for k, v in observed.items() if k in ABOUT_PYTHON}
        return observed

    def plan(self, observed: State) -> list[Change]:
        about = {k: observed[k] for k in ABOUT_PYTHON if k in observed}
        changes = super().plan(observed)
        if changes and "made" not in observed:
            changes.append(Change(PYTHON, None, self._checked_python(about)))
            what = f"{self.folder}/{self.name}"
            refuse_full(observed, what, self.room_mb, "room_mb")
        return changes

    def _checked_python(self, about: State) -> str:
        """Return the Python that the environment is made with: its version, if known.

        Raises:
            RefusedError: it will not do, or there is no wheel for it.
        """
        if not about:
            return self.python  # packages bring it, before this step
        self._check_python(about)
        host = HostPython(about[PYTHON], about.get(MACHINE, ""))
        self._check_wheels(host)
        return f"{host.version} {host.machine}"

    def _check_python(self, about: State) -> None:
        version = about[PYTHON]
        found = HostPython(version, "").minor
        if _number(found) < _number(self.at_least):
            raise RefusedError(
                f"{self.python} is Python {version}, and {self.at_least} is the oldest "
                "that will do",
                hint="install a newer one beside it, and name its program",
            )
        if self.python_version and found != self.python_version:
            raise RefusedError(
                f"{self.python} is Python {version}, and not {self.python_version}",
                hint=f"install Python {self.python_version}, and name its program",
            )
        if VENV in about:
            raise RefusedError(
                f"{self.python} (Python {version}) cannot make an environment: it has no "
                f"{about[VENV]}",
                hint="install it: python3-venv on Debian and Ubuntu",
            )

    def _check_wheels(self, host: HostPython) -> None:
        wheels = self._wheels()
        for requirement in self.requirements if wheels else ():
            found = PROJECT.match(requirement)
            project = normal_name(found[0] if found else requirement)
            exact = EXACT.match(requirement)
            there = [wheel for wheel in wheels if wheel.name == project]
            named = [w for w in there if not exact or w.version == exact[1]]
            if not any(wheel.fits(host) for wheel in named):
                names = ", ".join(wheel.path.name for wheel in there) or "none of it"
                raise RefusedError(
                    f"{self.wheels} has no wheel of {requirement} for {host.tag} on "
                    f"{host.machine}, which {self.python} (Python {host.version}) needs; "
                    f"there is {names}",
                    hint=f"fetch it: `pip download --only-binary=:all: --python-version="
                    f"{host.minor} --dest {self.wheels} '{requirement}'`",
                )

    def settled(self) -> Settled:
        return Settled(lines_of(self.desired()))

    def upload(self, changes: Sequence[Change]) -> Upload | None:
        if all(change.field != PYTHON for change in changes):
            return None  # it is made: only the link differs
        files = {wheel.path.name: wheel.path for wheel in self._sent(changes)}
        return Upload(f"{self.folder}/.wheels-{self.name}", files) if files else None

    def _sent(self, changes: Sequence[Change]) -> list[Wheel]:
        """Return the wheels that the Python of *changes* can use."""
        host = _python_in(changes)
        return [wheel for wheel in self._wheels() if not host or wheel.fits(host)]

    def apply(self, changes: Sequence[Change]) -> Sh:
        sums = [f"{digest(w.path)}  {w.path.name}" for w in self._sent(changes)]
        return Sh.of(
            INSTALL,
            *self.requirements,
            folder=self.folder,
            name=self.name,
            link=self.link,
            python=self.python,
            constraints=self._constraints(),
            index=self.index,
            sums="\n".join(sums),
        )

    def advice(self, problem: str) -> str:
        if "No matching distribution" in problem or "no matching" in problem.lower():
            source = self.wheels or "the index"
            return (
                f"{source} has no such package for this Python, see above: add it "
                "(`pip download --only-binary=:all: --python-version ...`), or ask for a "
                "version that is there"
            )
        if "there is no Python" in problem:
            return (
                "install it, as by a step `packages: {names: [python3, python3-venv]}`, or "
                "name another program"
            )
        if "ResolutionImpossible" in problem or "onflict" in problem:
            return "two of the packages contradict each other, see above: change one"
        if "No space left" in problem:
            return "make room there; what was begun is removed by the next run"
        if "onnection" in problem or "resolve" in problem or "Retry" in problem:
            return (
                "the host does not reach an index: set one that it reaches, or give the "
                "wheels from here (`wheels`)"
            )
        return ""


def _python_in(changes: Sequence[Change]) -> HostPython | None:
    """Return the Python that *changes* name; None = it was not known."""
    for change in changes:
        if change.field == PYTHON and " " in (change.after or ""):
            version, _, machine = (change.after or "").partition(" ")
            return HostPython(version, machine)
    return None


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))
