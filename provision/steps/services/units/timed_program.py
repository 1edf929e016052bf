"""A program that a timer of systemd runs: its files, and how a host gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from provision.model.change import Change, State
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.steps.services.units.systemd_unit import FOLDER

START = read_shell(__file__, "timer_start.sh")
FILE = "file."
"""Prefix of the fields with the digests of files, as `timer_files.sh` prints them."""


@dataclass(frozen=True, slots=True)
class TimedProgram:
    """A program for `/bin/sh`, with the two units that run it.

    Attributes:
        name: that of the units, without their endings.
        path: the place of the program.
        program: its content.
        service: the content of the unit that runs it once.
        timer: the content of the unit that starts the service.
    """

    name: str
    path: str
    program: str
    service: str
    timer: str

    @property
    def timer_name(self) -> str:
        """The name of the timer's unit."""
        return f"{self.name}.timer"

    def files(self) -> dict[str, str]:
        """Return the content of each file, by its path."""
        return {
            self.path: self.program,
            f"{FOLDER}/{self.name}.service": self.service,
            f"{FOLDER}/{self.timer_name}": self.timer,
        }

    def desired(self) -> State:
        """Return the digests of the files, and the state of the timer."""
        digests = {
            f"{FILE}{path}": sha256(text.encode()).hexdigest()
            for path, text in self.files().items()
        }
        return {**digests, "timer": "active"}

    def written(self, changes: Sequence[Change]) -> list[str]:
        """Return the paths of the files that *changes* are about."""
        fields = {change.field for change in changes}
        return [path for path in self.files() if f"{FILE}{path}" in fields]

    def start(self, changes: Sequence[Change], *folders: str) -> Sh:
        """Return shell that makes *changes*, and *folders*, and runs the program once."""
        if not changes:
            return NOTHING
        _, service_path, timer_path = self.files()
        return Sh.of(
            START,
            *folders,
            write=any(change.field.startswith(FILE) for change in changes),
            program=self.program,
            service=self.service,
            timer=self.timer,
            program_path=self.path,
            service_path=service_path,
            timer_path=timer_path,
            service_name=f"{self.name}.service",
            timer_name=self.timer_name,
        )
