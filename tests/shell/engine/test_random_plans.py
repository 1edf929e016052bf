"""A plan is what a deploy then changes: for any steps and any state of the host."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.engine.converge import Convergence, HostPlay
from provision.engine.foresight import UNKNOWN
from provision.engine.session import HostStep
from provision.model.events import Event, StepChanged, StepFailed, StepOk, StepPlanned
from provision.model.script import Script
from provision.model.step import BoundStep, Step
from provision.steps.files.file import Directory, File, FileAbsent
from provision.steps.files.retired_secrets import RetiredSecrets
from provision.steps.services.service import Service, ServiceAbsent
from provision.transport.protocol import HeldScript

MOVED = (
    b"/etc/init.d",
    b"/etc/rc",
    b"/run/provision-started",
    b"/run/systemd",
    b"/srv",
)
"""Paths that lie in a folder of the test; there is no systemd in it."""
LISTS = ("/srv/list", "/srv/a/list")
PATHS = ("/srv/a", "/srv/a/b", "/srv/a/b/c", "/srv/d", "/srv/d/e")
NAMES = ("one", "two")
INIT_SCRIPT = """#!/bin/sh
case $1 in
start | restart) : >"${0%/*}/$(basename "$0").up" ;;
stop) rm -f "${0%/*}/$(basename "$0").up" ;;
status) [ -e "${0%/*}/$(basename "$0").up" ] ;;
esac
"""
UPDATE_RC_D = """#!/bin/sh
case $2 in
enable) : >"$ROOT/etc/rc3.d/S01$1" ;;
disable) rm -f "$ROOT/etc/rc3.d/S01$1" ;;
esac
"""


class Folder:
    """A host in a folder; implements Transport by a shell whose paths lie below it."""

    quantum_safe = True

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("etc/init.d", "etc/rc3.d", "run", "srv", "bin"):
            (root / folder).mkdir(parents=True)
        stub = root / "bin/update-rc.d"
        stub.write_text(UPDATE_RC_D)
        stub.chmod(0o755)

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def hold(self, script: Script) -> contextlib.AbstractContextManager[HeldScript]:
        raise NotImplementedError

    def run(self, script: Script) -> int:
        text = script.encoded
        for path in MOVED:
            text = text.replace(path, str(self.root).encode() + path)
        done = subprocess.run(
            ["sh", "-s"],
            input=text,
            capture_output=True,
            check=False,
            env={
                "PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "ROOT": str(self.root),
            },
        )
        script.stdout(done.stdout.replace(str(self.root).encode(), b""))
        script.stderr(done.stderr)
        return done.returncode


modes = st.sampled_from(["644", "600", "755"])
contents = st.sampled_from(["x\n", "y\n"])
paths = st.sampled_from(PATHS)
names = st.sampled_from(NAMES)
init_files = st.builds(
    File,
    path=names.map("/etc/init.d/{}".format),
    content=st.sampled_from([INIT_SCRIPT, INIT_SCRIPT + "# new\n"]),
    mode=st.just("755"),
)
services = st.builds(
    Service,
    name=names,
    running=st.booleans(),
    boot=st.booleans(),
    files=st.lists(paths, max_size=2, unique=True).map(tuple),
    stays_s=st.just(0),
)
steps = st.one_of(
    st.builds(Directory, path=paths, mode=modes),
    st.builds(File, path=paths, content=contents, mode=modes),
    st.builds(
        FileAbsent,
        paths=st.lists(
            st.sampled_from(PATHS + LISTS), min_size=1, max_size=2, unique=True
        ).map(tuple),
    ),
    st.builds(
        RetiredSecrets,
        path=st.sampled_from(LISTS),
        current=st.just("c"),
        retired=st.sampled_from([("a",), ("a", "b")]),
    ),
    init_files,
    services,
    st.builds(ServiceAbsent, name=names),
)
runs = st.lists(steps, min_size=1, max_size=7)


def converge(folder: Folder, chosen: Sequence[Step], *, dry: bool) -> list[Event]:
    """Run *chosen* in one play, and return the events."""
    events: list[Event] = []
    own = tuple(
        HostStep(number, "play", become=False, bound=BoundStep(step, name=str(number)))
        for number, step in enumerate(chosen)
    )
    Convergence("node1", folder, own, dry=dry, emit=events.append).run(
        HostPlay("play", "node1", own)
    )
    return events


def outcomes(events: Sequence[Event]) -> Iterator[tuple[str, frozenset[str] | None]]:
    """Yield each step with the fields that change; None = it failed."""
    for event in events:
        match event:
            case StepFailed():
                yield event.step, None
            case StepOk():
                yield event.step, frozenset()
            case StepPlanned() | StepChanged():
                yield event.step, frozenset(change.field for change in event.changes)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=runs, chosen=runs)
def test_a_plan_lists_exactly_what_a_deploy_then_changes(
    before: list[Step], chosen: list[Step]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(Path(root))
        for step in before:  # a host with a past: some of these fail
            converge(folder, [step], dry=False)
        planned = dict(outcomes(converge(folder, chosen, dry=True)))
        for label, fields in outcomes(converge(folder, chosen, dry=False)):
            if fields is None:
                break
            assert planned[label] in [fields, {UNKNOWN.field}], (label, chosen)
