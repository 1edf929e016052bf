"""Shell that stops a container which Docker starts again and again."""

from __future__ import annotations

from provision.model.shell_file import read_shell

STOP = read_shell(__file__, "stop.sh")
