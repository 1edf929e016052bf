"""Steps and commands that installed packages offer, by their entry points.

The standard library reads the metadata of every package for this, email headers and all:
30 ms, a fifth of a short command. Here only `entry_points.txt` is read.

Source: Python Packaging User Guide, "Entry points specification".
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

STEPS = "provision.steps"
"""Group of kinds of steps: `kind = package.module:Class`."""
COMMANDS = "provision.commands"
"""Group of commands: `name = package.module:task`; `a.b` is `b` of the collection `a`."""
DEPLOY = "provision.deploy"
"""Group of additions to the command `deploy`: `name = package.module:Class`."""
OURS = "provision"
"""The package with this program; some of its own steps and commands come in this way."""
FILE = "entry_points.txt"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point.

    Attributes:
        name: the kind of step, or the command.
        value: `module:attribute`.
        package: the package that offers it.
    """

    name: str
    value: str
    package: str

    def load(self) -> Any:
        """Import it.

        Raises:
            ImportError: there is no such module.
            AttributeError: it has no such attribute.
        """
        module, _, attributes = self.value.partition(":")
        found = import_module(module)
        for name in filter(None, attributes.split(".")):
            found = getattr(found, name)
        return found


def plugins(group: str) -> dict[str, Plugin]:
    """Return the plug-ins of *group* by name; the first on `sys.path` wins."""
    found: dict[str, Plugin] = {}
    for package, text in _entry_points(tuple(sys.path)).items():
        for name, value in _section(text, group):
            found.setdefault(name, Plugin(name, value, package))
    return found


def missing(group: str) -> str:
    """Return what to do if our own plug-ins of *group* are missing; "" if they are not."""
    if any(plugin.package == OURS for plugin in plugins(group).values()):
        return ""
    return (
        f"{sys.executable} finds provision's code, but no package metadata of it that "
        f"has the group {group}: install it with `pip install --editable FOLDER`"
    )


@functools.cache
def _entry_points(path: tuple[str, ...]) -> dict[str, str]:
    """The text of `entry_points.txt` by package, of each package found first on *path*."""
    found: dict[str, str] = {}
    for folder in path:
        for package, text in _packages(Path(folder)):
            found.setdefault(package, text)
    return {package: text for package, text in found.items() if f"[{OURS}." in text}


def _packages(folder: Path) -> Iterator[tuple[str, str]]:
    """The packages in *folder*, each with its `entry_points.txt`."""
    try:
        found = list(folder.iterdir())
    except NotADirectoryError:
        yield from _packages_in_archive(folder)
        return
    except OSError:
        return
    for info in found:
        if info.name.endswith((".dist-info", ".egg-info")):
            package = info.stem.partition("-")[0]
            yield package.lower(), _content(info / FILE)


def _packages_in_archive(file: Path) -> Iterator[tuple[str, str]]:
    """The packages in a zip file, read by the standard library: they are rare."""
    from importlib.metadata import distributions

    for found in distributions(path=[str(file)]):
        yield found.name.lower().replace("-", "_"), found.read_text(FILE) or ""


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError:  # most packages have none
        return ""


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Name and value of each entry of *group* in the *text* of a file."""
    current = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            current = line.strip("[]")
        elif current == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()
