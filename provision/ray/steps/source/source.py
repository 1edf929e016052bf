"""Ray's Python sources at a commit over the Ray of a wheel, as an environment of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Line, OwnPath, Seconds
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step, Thing, Upload, lines_of
from provision.ray.steps.source.archive import archive
from provision.ray.steps.source.git import shown
from provision.ray.steps.source.repository import Repository
from provision.steps.python.environment import BASE, CURRENT, environment_at

PROBE = read_shell(__file__, "probe.sh")
INSTALL = read_shell(__file__, "install.sh")
OVERLAY = Path(__file__).with_name("overlay.py")
"""The program that the hosts run."""
SHORT = 10
"""Digits of a commit in names."""
SOURCES_NAME = re.compile(rf"-[0-9a-f]{{8}}-([0-9a-f]{{{SHORT}}})\Z")
"""The end of the name of an environment with sources."""
SENT, ENVIRONMENT = "sources", "environment"
MADE = "made."
"""Beginning of the fields with commits whose environments are there."""


def _given(value: object) -> object:
    if value == "":
        raise ValueError(
            "needs `url` and `ref`: { url: https://..., ref: a tag, a branch or a commit }"
        )
    return value


Given = BeforeValidator(_given)
Url = Annotated[str, Given, Field(pattern=r"\A[A-Za-z0-9/~.][!-~]*\z")]
Ref = Annotated[str, Given, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_./+#@-]*\z")]


def commit_in(environment: str) -> str:
    """Return the commit in the name of an *environment*; "" = it is of a wheel alone."""
    found = SOURCES_NAME.search(environment)
    return found[1] if found else ""


class RaySourceStep(Step):
    """A step about Ray's sources in a git repository."""

    url: Url
    """The repository, as git on the machine that runs this program takes it."""
    ref: Ref
    """A tag, a branch, or all 40 digits of a commit."""
    run: Line = ""
    """The id of the run: in one, a branch is the same commit on all hosts."""

    @property
    def repository(self) -> Repository:
        """The repository."""
        return Repository(self.url)

    def commit(self) -> str:
        """Return the commit that `ref` is.

        Raises:
            RefusedError: it cannot be found.
        """
        return self.repository.commit_of(self.ref, self.run)


class RaySourceFound(RaySourceStep, kind="ray_source_found"):
    """The sources are there, and of the version of Ray that is installed.

    It changes nothing on the host, and comes before all that does. The sources are fetched
    to the machine that runs this program.

    Example:
        ray_source_found:
          url: /srv/ray.git
          ref: releases/2.60.0
          ray_version: 2.60.0

    Raises:
        RefusedError: there is no git here, no such repository, tag, branch or commit; it
            has no sources of Ray, or those of another version.

    Source: git-ls-remote(1), git-fetch(1), git 2.39.
    """

    title_format = "sources of Ray at {ref}"
    checks_only: ClassVar[bool] = True

    ray_version: Line
    """The version of Ray whose wheel is installed."""
    of_head: Mapping[str, Line] = {}
    """The head's `url` and `ref`, which must be the same; {} = not looked at."""

    @model_validator(mode="after")
    def _same_as_the_head(self) -> Self:
        if self.of_head and dict(self.of_head) != {"url": self.url, "ref": self.ref}:
            raise ValueError(
                f"this host is to have the sources at {self.ref} of {shown(self.url)}, and the "
                f"head those at {self.of_head.get('ref')} of "
                f"{shown(self.of_head.get('url', ''))}: all nodes of a cluster have the same"
            )
        return self

    def probe(self) -> Sh:
        return NOTHING

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        commit = self.commit()
        version = self.repository.version(commit)
        if version != self.ray_version:
            problem = (
                f"the sources at {self.ref} ({commit[:SHORT]}) of {shown(self.url)} are of Ray "
                f"{version}, and the wheel that is installed is of {self.ray_version}"
            )
            raise RefusedError(
                problem,
                hint=f"set ray_version to {version}, with its wheels, or take sources of "
                f"{self.ray_version}, such as the tag ray-{self.ray_version}",
                once=problem,
            )
        return []

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


class RaySource(RaySourceStep, kind="ray_source"):
    """Ray's Python sources at a commit, laid over the Ray of a wheel, at `folder/current`.

    `folder/base` is the environment that has the wheel; see `python_environment`. The one
    with the sources is beside it, of links to its files except those that differ. What only
    the wheel has stays: compiled and generated files, and the pages of the dashboard.

    Example:
        ray_source:
          folder: /opt/ray
          url: /srv/ray.git
          ref: 0123456789abcdef0123456789abcdef01234567

    Raises:
        RefusedError: the repository cannot be reached.
        ApplyError: `folder/base` has no Ray.

    Source: python/ray/setup-dev.py of Ray, which links what is copied here.
    """

    title_format = "sources of Ray at {ref} in {folder}"

    folder: OwnPath
    timeout_s: Seconds = 900

    @property
    def thing(self) -> Thing:
        return environment_at(self.folder)

    @property
    def base(self) -> Thing:
        """The environment that has Ray from its wheel."""
        return environment_at(self.folder, BASE)

    def reads(self) -> list[Thing]:
        return [self.thing, self.base]

    def probe(self) -> Sh:
        return Sh.of(PROBE, folder=self.folder)

    def desired(self) -> State:
        return {"commit": self.commit(), "ray": "current"}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        state = dict(observed)
        for thing, fields in written.items():
            if thing == self.thing:
                state = {**state, **fields} if fields else {}
            elif fields.get(BASE, "") != state.get(BASE):
                state = {k: v for k, v in state.items() if not k.startswith(MADE)}
                state[BASE] = fields.get(BASE, "")
                if "ray" in state:
                    state["ray"] = "another"
        return state

    def plan(self, observed: State) -> list[Change]:
        changes = super().plan(observed)
        if not changes:
            return []
        commit = self.commit()
        name = f"{observed.get(BASE, '')}-{commit[:SHORT]}"
        if MADE + commit not in observed:
            changes.append(Change(SENT, None, commit[:SHORT]))
        return [*changes, Change(ENVIRONMENT, observed.get(CURRENT), name)]

    def settled(self) -> Settled:
        return Settled(lines_of(self.desired()))

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        names = (c.after or "" for c in changes if c.field == ENVIRONMENT)
        return {self.thing: {CURRENT: next(names, ""), **self.desired()}}

    def upload(self, changes: Sequence[Change]) -> Upload | None:
        if all(change.field != SENT for change in changes):
            return None  # the environment is there
        commit = self.commit()
        files = {"overlay.py": OVERLAY, "ray.tar.gz": archive(self.repository, commit)}
        return Upload(f"{self.folder}/.source-{commit}", files)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            INSTALL,
            folder=self.folder,
            link=CURRENT,
            commit=self.commit(),
        )
