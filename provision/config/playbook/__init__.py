"""Playbooks: plays of steps for the hosts of a pattern, and their binding to hosts."""

from __future__ import annotations

from provision.config.playbook.bind import bind
from provision.config.playbook.load import find, load
from provision.config.playbook.play import Bound, BoundPlay, Play, Playbook, StepEntry

__all__ = [
    "Bound",
    "BoundPlay",
    "Play",
    "Playbook",
    "StepEntry",
    "bind",
    "find",
    "load",
]
