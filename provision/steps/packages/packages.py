"""Packages of the distribution that are installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import Seconds
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step, Thing, lines_of
from provision.steps.room import Megabytes, refuse_full, room_fields

Package = Annotated[
    str, Field(pattern=r"\A[A-Za-z0-9]([A-Za-z0-9.+_-]*[A-Za-z0-9+_])?(:[a-z0-9]+)?\z")
]
"""A package's name. apt-get would take one that ends in a dash as one to remove."""

UPDATE_WITHIN_S = 86400
"""Default of the longest age of the lists of packages."""

PROBE = read_shell(__file__, "probe.sh")
INSTALL_PROBE = read_shell(__file__, "install_probe.sh")
INSTALL = read_shell(__file__, "install.sh")


ADVICE = {
    ("is held by process", "Could not get lock"): (
        "let that process end, or raise `lock_timeout_s`, and run again"
    ),
    ("Unable to locate package", "has no installation candidate", "No match"): (
        "check the name, and that its repository is set up on the host"
    ),
    ("Temporary failure resolving", "Could not resolve"): (
        "the host cannot resolve the mirror's name: see its DNS"
    ),
    ("You don't have enough free space", "No space left"): (
        "free space on the host, for example with `apt-get clean`"
    ),
    ("/dev/tty",): (
        "the package asks a question, and nobody can answer it here: give the answer "
        "beforehand with debconf-set-selections, or install it by hand once"
    ),
    ("packages on hold:",): (
        "if one of those on hold is in the way: `apt-mark unhold` it, or leave this out"
    ),
    ("packages that are not wholly installed:",): (
        "see above why it fails; repair it, or remove it (`dpkg --remove NAME`)"
    ),
    (" conflicts with ",): (
        "what is to be installed conflicts with what is there: remove that by hand if "
        "nothing needs it, or leave this out"
    ),
    ("remove is disabled", "need to be removed"): (
        "what is to be installed conflicts with those to be REMOVED, which stay: remove "
        "them by hand if nothing needs them, or leave this out"
    ),
    ("would go as well",): "name them too, if they shall go",
}


def installed(names: Sequence[str], found: State) -> State:
    """Those of *names* that are *found* to be installed, and not half so."""
    return {name: "installed" for name in names if found.get(name) == "installed"}


PACKAGES: Thing = "packages"
"""All that a run installs: what comes with a package may be another step's."""
COMES, ALONE = "comes.", "alone."
"""Beginnings of the fields about what would come with a package that is missing."""


def package(name: str) -> Thing:
    """Return package *name* as a thing that steps write and read."""
    return f"package:{name}"


class NamedPackages(Step):
    """Packages of these names, installed or not."""

    advice_table = ADVICE

    names: tuple[Package, ...] = Field(min_length=1)
    lock_timeout_s: int = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    def probe(self) -> Sh:
        return Sh.mergeable_probe(PROBE, *self.names)

    def observe(self, reply: Reply) -> State:
        return installed(self.names, super().observe(reply))

    def describes(self) -> list[Thing]:
        return [package(name) for name in self.names]

    def reads(self) -> list[Thing]:
        return [*self.describes(), PACKAGES]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        now = {name: observed.get(name, "") for name in self.names}
        for thing, state in written.items():
            if thing == PACKAGES:
                missing = [name for name, status in now.items() if not status]
                came = self._came(missing, state, observed)
                if came is None:
                    return None
                now |= dict.fromkeys(came, "installed")
            else:
                now |= {n: state.get("status", "") for n in now if package(n) == thing}
        there = {name: status for name, status in now.items() if status}
        return {**there, **room_fields(observed)}

    def _came(
        self, missing: Sequence[str], made: State, observed: State
    ) -> list[str] | None:
        """Return which of *missing* came with those *made*; None if that is not known.

        Args:
            missing: those of `names` that no step has installed.
            made: what earlier steps install, by name, and what they remove, after a dash.
            observed: the state as it is now.
        """
        may_have_come = missing and "installed" in made.values()
        return None if may_have_come else []


class Packages(NamedPackages, kind="packages"):
    """Packages that are installed, in whatever version the distribution has.

    Another process that installs packages is waited for; an install that was
    interrupted is finished first. The lists of packages are fetched again when they
    are older than `update_within_s`, or do not have a name or file that is asked for.
    A virtual name is no package: write the name of one that provides it.

    Example:
        packages: {names: [curl, ca-certificates]}

    Raises:
        RefusedError: there is no room for them, see `room_mb`.
        ApplyError: a name is unknown, the mirror cannot be reached, the disk is full,
            or the lock was not to be had; the message names the process that has it.

    Source: apt-get(8) 2.0, dpkg-query(1) 1.19; dnf(8) waits for its lock by itself.
    """

    title_format = "packages {names}"
    agrees: ClassVar[bool] = True

    update_within_s: int = Field(default=UPDATE_WITHIN_S, ge=0)
    """0 = fetch the lists before every install."""
    room_mb: Megabytes = 200
    """Room that is needed in /usr and in apt's cache where one of them is missing."""

    def probe(self) -> Sh:
        names = " ".join(self.names)
        return Sh.mergeable_probe(INSTALL_PROBE, names, room_mb=self.room_mb)

    def observe(self, reply: Reply) -> State:
        found = Step.observe(self, reply)
        names = installed(self.names, found)
        if len(names) == len(set(self.names)):
            return names
        # Only of those who bring something: the room, and what comes with what.
        comes = {k: v for k, v in found.items() if k.startswith((COMES, ALONE))}
        return {**names, **room_fields(found), **comes}

    def _came(
        self, missing: Sequence[str], made: State, observed: State
    ) -> list[str] | None:
        others = [name for name in made if name not in missing and name[0] != "-"]
        # One that was there was not asked about; of some apt could not tell.
        unasked = [name for name in missing if name in observed]
        unasked += [name for name in others if f"{ALONE}{name}" in observed]
        if missing and others and unasked:
            return None
        fields = {n: [f"{COMES}{n}.with.{one}" for one in others] for n in missing}
        came = [n for n, each in fields.items() if not observed.keys().isdisjoint(each)]
        # What has gone in between may have taken it along.
        return None if came and "removed" in made.values() else came

    def plan(self, observed: State) -> list[Change]:
        changes = super().plan(observed)
        if changes:
            refuse_full(observed, "the packages", self.room_mb, "room_mb")
        return changes

    def desired(self) -> State:
        return dict.fromkeys(self.names, "installed")

    def settled(self) -> Settled:
        return Settled(lines_of(self.desired()))

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        made = {package(c.field): {"status": "installed"} for c in changes}
        return {**made, PACKAGES: {c.field: "installed" for c in changes}}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            INSTALL,
            *[change.field for change in changes],
            lock_timeout_s=self.lock_timeout_s,
            update_within_s=self.update_within_s,
        )
