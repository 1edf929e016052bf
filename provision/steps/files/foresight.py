"""Paths as things that steps write and read, and what a step foresees of its own.

A step at one path depends on those at the same path and above it: a directory that is
removed takes all below it along, and one that is made brings those above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from provision.model.change import State
from provision.model.step import Thing


def at(path: str) -> Thing:
    """Return what is at *path* as a thing."""
    return f"path:{PurePosixPath(path)}"


def on_the_way(path: str) -> Thing:
    """Return the directory *path* as one that is made where it is missing."""
    return f"directory on the way:{PurePosixPath(path)}"


def above(path: str) -> list[str]:
    """Return the directories above *path*, the nearest first, without the root."""
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]


def read_at(path: str) -> list[Thing]:
    """Return everything that can change what is at *path*."""
    return [at(path), on_the_way(path), *map(at, above(path))]


def foresee_at(path: str, observed: State, written: Mapping[Thing, State]) -> State:
    """Return the state of *path* once *written* is done, oldest first."""
    here = {at(path), *map(at, above(path))}
    for thing, state in written.items():
        if thing == on_the_way(path):
            observed = observed or state
        elif thing in here and not state:
            observed = {}
        elif thing == at(path):
            observed = {**observed, **state}
    return observed
