"""The command line: the program and the commands, one file for each group of them."""

from __future__ import annotations

from provision.cli.program import main, namespace

__all__ = ["main", "namespace"]
