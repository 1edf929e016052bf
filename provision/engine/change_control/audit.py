"""A line in each host's own log for every change: its author, origin and content.

It travels in the script that makes the change, so it costs no round trip, and is
written as the change begins: one that is killed or cut off has left its trace as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from provision.invocation import runner
from provision.model.change import Change
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.secrets.redaction import masker

TAG = "provision"
MAX_FIELDS = 8
MAX_LENGTH = 700
"""Characters of a line; logger(1) cuts off after 1024."""

NOTE = read_shell(__file__, "audit.sh")


@dataclass(frozen=True, slots=True)
class Audit:
    """The common part of the lines of one run.

    Args:
        cluster: its name.
        hidden: secret values, which are masked.
        playbook: the name of the playbook; "" = it was made in Python.
    """

    cluster: str
    hidden: Collection[str] = field(default=(), repr=False)
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    playbook: str = ""

    def note(self, step: str, changes: Sequence[Change]) -> Sh:
        """Return shell that logs, if it can, that *step* makes *changes* now.

        Names of fields are in the line, their values are not.
        """
        names = [change.field for change in changes[:MAX_FIELDS]]
        names += ["..."] * (len(changes) > MAX_FIELDS)
        return self._noted(f'change="{step}" fields={len(changes)}:{",".join(names)}')

    def end(self, exit_code: int) -> Sh:
        """Return shell that logs, if it can, that the run ended with *exit_code*."""
        return self._noted(f"exit={exit_code}")

    def _noted(self, what: str) -> Sh:
        run = f"cluster={self.cluster} run={self.run} by={runner()}"
        if self.playbook:
            run += f" playbook={'_'.join(self.playbook.split())}"
        return Sh.of(NOTE, tag=TAG, run=self._line(run), what=self._line(what))

    def _line(self, text: str) -> str:
        """Return *text* on one line, with no secret in it, and not too long."""
        hidden = masker(self.hidden)(text)
        line = "".join(c if c.isprintable() else " " for c in hidden)
        return line[:MAX_LENGTH]
