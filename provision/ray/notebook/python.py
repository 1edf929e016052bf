"""The Python of the head's container that has JupyterLab, installed there if need be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from provision.engine.on_hosts.command import Output
from provision.errors import HostError, OptionError
from provision.invocation import program
from provision.model.shell_file import read_shell

FIND = read_shell(__file__, "find.sh")
INSTALL = read_shell(__file__, "install.sh")
FOLDER = "/tmp/provision-notebook"  # noqa: S108 - of the container, which has one user
LAST_LINES = 6
SECRET = "token="  # noqa: S105 - a line of Jupyter's log with it is not shown


class HeadContainer(Protocol):
    """The head's container."""

    @property
    def name(self) -> str:
        """The head."""

    def run(self, *words: str, **sinks: Any) -> Output:
        """Run a program and its arguments there."""

    def send(self, folder: str, target: str) -> None:
        """Bring a folder of this machine there."""


@dataclass(frozen=True, slots=True)
class Source:
    """The place that JupyterLab is installed from, where the image lacks it.

    Attributes:
        wheels: a folder of this machine; "" = none.
        index: the URL of an index that the container reaches; "" = none.
    """

    wheels: str = ""
    index: str = ""

    def check(self) -> None:
        """Check that it can be one, as far as this machine can tell.

        Raises:
            OptionError: both are given, or the folder has no wheel of JupyterLab.
        """
        if self.wheels and self.index:
            raise OptionError("--wheels and --index exclude each other", hint="use one")
        if self.wheels and not [*Path(self.wheels).glob("jupyterlab-*.whl")]:
            raise OptionError(
                f"there is no wheel of JupyterLab (jupyterlab-*.whl) in {self.wheels}",
                hint=f"`pip download jupyterlab pip -d {self.wheels}`, for the Python of "
                "the image",
            )


def python_with_jupyterlab(
    head: HeadContainer, source: Source, note: Callable[[str], object]
) -> str:
    """Return a Python of the container that has JupyterLab; install it if need be.

    Raises:
        HostError: there is none, and nothing to install it from; or pip failed.
    """
    found = head.run("sh", "-euc", FIND, "sh", FOLDER)
    if found.exit:
        raise HostError(f"{head.name}: {last_lines(found)[-1]}")
    state, python, *version = found.stdout.decode().split()
    if state == "ready":
        return python
    return _installed(head, source, python, "".join(version), note)


def _installed(
    head: HeadContainer,
    source: Source,
    python: str,
    version: str,
    note: Callable[[str], object],
) -> str:
    """Install JupyterLab for *python*; return the Python that has it."""
    if source == Source():
        minor = ".".join(version.split(".")[:2])
        raise HostError(
            f"{head.name}: JupyterLab is not in the image of the cluster",
            hint=f"`pip download jupyterlab pip -d FOLDER` on a machine with Python {minor}, "
            f"then `{program()} notebook --wheels FOLDER`; or --index URL; or deploy an image "
            "with it: RUN pip install jupyterlab",
        )
    there = f"{FOLDER}-wheels" if source.wheels else ""
    if there:
        note(f"sending the wheels of JupyterLab to {head.name}")
        head.send(source.wheels, there)
    note("installing JupyterLab in the container")
    done = head.run("sh", "-euc", INSTALL, "sh", FOLDER, python, there, source.index)
    if done.exit:
        lines = last_lines(done)
        raise HostError(
            f"{head.name}: JupyterLab cannot be installed: {lines[-1]}",
            details=lines[:-1],
            hint=f"the wheels must be for Python {version} and Linux",
        )
    return done.stdout.decode().split()[-1]


def last_lines(output: Output) -> list[str]:
    """Return the last lines of the errors, without those that have a token."""
    lines = output.stderr.decode(errors="replace").strip().splitlines()
    shown = [line for line in lines if SECRET not in line]
    return shown[-LAST_LINES:] or [f"exit code {output.exit}"]
