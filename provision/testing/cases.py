r"""Golden cases: what the reply of a host means to a step, and what is then sent.

A case is a file `FOLDER/KIND/NAME.yml`:

    params:   {name: ops}            # parameters of the step
    reply:    "ops.uid=2000\n"        # what the probe printed; default: nothing
    exit:     0                      # the exit code of the probe
    state:    {uid: '2000'}          # what the step reads in the reply; may be left out
    changes:  ['uid: 2000 -> 2001']  # what it then wants to change
    error:    cannot tell the state  # or: the message with which it refuses
    probe:    {file: ..., args: ..., params: ...}  # exactly what is sent to look
    apply:    {text: ..., args: ..., params: ...}  # exactly what is sent for the changes

`python -m provision.testing record FOLDER` writes the last two.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from provision.config.registry import step_class
from provision.config.validation import problems
from provision.config.yaml_source import load
from provision.errors import HostError, InputError
from provision.model.shell import Reply, Sh
from provision.model.shell_file import ShellText
from provision.model.step import Step

M = TypeVar("M", bound=BaseModel)
RECORD = "python -m provision.testing record"


class Sent(BaseModel):
    """One fragment as it is sent: its file or, of a short one, its text; its values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = ""
    text: str = ""
    args: tuple[str, ...] = ()
    params: dict[str, str] = {}

    @classmethod
    def of(cls, sh: Sh) -> Self:
        """Describe *sh*."""
        values = {"args": sh.args, "params": dict(sh.params)}
        if isinstance(sh.text, ShellText):
            return cls(file=sh.text.name, **values)
        return cls(text=sh.text.strip("\n"), **values)

    def as_yaml(self) -> dict[str, Any]:
        """Return what a case's file has of it: nothing that is empty."""
        found = self.model_dump(mode="json")
        return {key: value for key, value in found.items() if value}


class _File(BaseModel):
    """The content of a case's file."""

    model_config = ConfigDict(extra="forbid")

    params: dict[str, Any]
    reply: str = ""
    exit: int = 0
    state: dict[str, str] | None = None
    changes: tuple[str, ...] | None = None
    error: str = ""
    probe: Sent | None = None
    apply: Sent | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One golden case.

    Attributes:
        path: its file.
        step: the step that its parameters make.
        reply: what the probe printed on the host.
        state: what the step should read in it; None = not compared.
        changes: the changes that it should want, as a plan shows them.
        error: the message with which it should refuse; "" = it does not.
        probe: what is sent to look; None = not recorded.
        apply: what is sent for the changes; None = not recorded, or no changes.
    """

    path: Path
    step: Step
    reply: Reply
    state: Mapping[str, str] | None
    changes: tuple[str, ...]
    error: str
    probe: Sent | None
    apply: Sent | None

    @property
    def name(self) -> str:
        """The kind and the name of the file."""
        return f"{self.path.parent.name}/{self.path.stem}"


def load_cases(folder: Path) -> list[Case]:
    """Read the cases `folder/KIND/*.yml`, in the order of their names.

    Raises:
        InputError: a file is no case, or its parameters do not make a step.
    """
    return [load_case(path) for path in sorted(folder.glob("*/*.yml"))]


def load_case(path: Path) -> Case:
    """Read one case; the name of its folder is the kind of its step.

    Raises:
        InputError: the file is no case, or its parameters do not make a step.
    """
    cls = step_class(path.parent.name)
    file = _made(_File, load(path, InputError).data, path)
    if bool(file.error) == (file.changes is not None):
        problem = "must have either `changes` or `error`"
        raise InputError(problem, file=str(path))
    return Case(
        path=path,
        step=_made(cls, file.params, path, "params"),
        reply=Reply(file.reply, exit=file.exit),
        state=file.state,
        changes=file.changes or (),
        error=file.error,
        probe=file.probe,
        apply=file.apply,
    )


def _made(cls: type[M], data: Any, path: Path, *within: str) -> M:
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        where, problem, hint = next(problems(error, cls, data))
        place = ".".join(map(str, (*within, *where)))
        raise InputError(problem, hint=hint, file=str(path), path=place) from error


def check_case(case: Case) -> None:
    """Compare what the step says and sends with what *case* has.

    Raises:
        AssertionError: something differs; the message has both, line by line.
    """
    _compare(case, "probe", case.probe, Sent.of(case.step.probe()))
    if case.error:
        _compare(case, "error", case.error, _refusal(case))
        _compare(case, "apply", case.apply, None)
        return
    state = case.step.observe(case.reply)
    if case.state is not None:
        _compare(case, "state", dict(case.state), dict(state))
    changes = case.step.plan(state)
    _compare(case, "changes", list(case.changes), [str(change) for change in changes])
    applied = Sent.of(case.step.apply(changes)) if changes else None
    _compare(case, "apply", case.apply, applied)


def _refusal(case: Case) -> str:
    """The message with which the step refuses; "" if it does not."""
    try:
        case.step.plan(case.step.observe(case.reply))
    except HostError as error:
        return error.message
    return ""


def _compare(case: Case, part: str, expected: object, found: object) -> None:
    if expected == found:
        return
    lines = difflib.ndiff(_lines(expected), _lines(found))
    hint = f"\nif this is right: {RECORD}" if part in {"probe", "apply"} else ""
    shown = "\n".join(line for line in lines if not line.startswith("?"))
    raise AssertionError(f"{case.path}: {part} (- case, + step):\n{shown}{hint}")


def _lines(value: object) -> Sequence[str]:
    if isinstance(value, Sent):
        value = value.as_yaml()
    return [] if value is None else dump(value).splitlines()


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def dump(value: object) -> str:
    """Write *value* as YAML that is good to read and to compare."""
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
