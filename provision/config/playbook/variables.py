"""The variables of a host in a play: which value wins, and where it is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from provision.config.inventory import Host
from provision.config.yaml_source import Place, Source, Where, way
from provision.errors import InputError, InventoryError, OptionError, PlaybookError


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a host in a play, and where each is set."""

    host: Host
    sets: Mapping[str, Any]
    play: Mapping[str, Any]
    source: Source
    where: Where

    @property
    def merged(self) -> dict[str, Any]:
        """All of them, as they are written; the last of `play`, `host` and `sets` wins."""
        return {**self.play, **self.host.vars, **self.sets}

    def outside(self, name: str) -> bool:
        """Return True if *name* is set outside the playbook."""
        return name in self.sets or name in self.host.vars

    def error(self, name: str, rest: Where, problem: str, hint: str) -> InputError:
        """An error about what is at *rest* in the variable *name*, where that is set."""
        path = way((name, *rest))
        if name in self.sets:
            return OptionError(problem, hint=hint, file=f"--set {path}")
        if name in self.host.vars:
            place = self.host.places.get(name, Place())
            return replace(place, path=path).error(InventoryError, problem, hint)
        line = self.source.line((*self.where, "vars", name, *rest))
        return PlaybookError(
            problem, hint=hint, file=self.source.file, line=line, path=path
        )
