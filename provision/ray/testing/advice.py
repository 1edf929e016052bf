"""Known reasons why a file of Ray's tests fails before it tests anything, with remedies."""

from __future__ import annotations

import re

NO_PYTEST = (
    "there is no pytest in the environment on {host}",
    "add pytest to ray_packages, with ray_wheels also its wheels (`pip download "
    "--only-binary=:all: --dest FOLDER pytest`), and deploy",
)
"""The error and its remedy."""
NAME = re.compile(r"cannot import name '([^']+)' from '([^']+)'")
MODULE = re.compile(r"No module named '(?P<name>[\w.]+)'")
FIXTURE = re.compile(r"fixture '([^']+)' not found")


def advice(output: str) -> str:
    """Return what to do about the failure that *output* shows; "" = nothing is known."""
    if found := NAME.search(output):
        return (
            f"the tests use {found[1]}, which {found[2]} does not have: they are of another "
            "commit than the Ray that they run with; set `ref` in ray_source to a commit that "
            "has both, and deploy"
        )
    if found := MODULE.search(output):
        project = found["name"].partition(".")[0]
        if project == "ray":
            return (
                f"the Ray that runs has no {found['name']}: set `ref` in ray_source to a "
                "commit that has it, and deploy"
            )
        return (
            f"the tests need the package that has {project}: add it to ray_packages, with "
            "ray_wheels also its wheels, and deploy"
        )
    if found := FIXTURE.search(output):
        return (
            f"no conftest.py beside the file or above it has the fixture {found[1]}: "
            "commit it there, or name the file in Ray's own folder of tests"
        )
    return ""
