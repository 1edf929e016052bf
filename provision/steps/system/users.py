"""Users of a host: present as described, or absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Settled, Step, Thing
from provision.steps.manifest.manifest import ABSENT, AS_IT_WAS, STAYS, UNDONE

Name = Annotated[str, Field(pattern=r"\A[a-z_][a-z0-9_-]{0,30}\$?\z")]
"""A user's or group's name, as useradd(8) of every distribution takes it."""

ROOT = "0"
IN = "in."
"""Prefix of the fields of a user's other groups."""
JOINED = ".joined."
"""Prefix of groups that a deploy put the user into, in what a probe prints."""
PROBE = read_shell(__file__, "user_probe.sh")
MAKE = read_shell(__file__, "user_make.sh")
EVIDENCE = r"""
[ -z "$uid" ] || getent passwd "$uid" | sed 's/:.*//; s/^/this uid belongs to the user /'
"""
REMOVE = 'userdel -- "$name"'


def account(name: str, found: State) -> dict[str, str]:
    """Return the state in *found* of user *name*; a group without a name keeps its number."""
    own = f"{name}."
    state = {k.removeprefix(own): v for k, v in found.items() if k.startswith(own)}
    if gid := state.pop("gid", ""):
        state["group"] = found.get(f".{gid}", gid)
    return state


class NamedUser(Step):
    """A user of this name, who is there or not."""

    name: Name

    @property
    def thing(self) -> Thing:
        return f"user:{self.name}"


class User(NamedUser, kind="user"):
    """A user with this shell and group, who cannot log in by default.

    What is left out (`uid`, `home`) is left to the distribution for a new user, and as
    it is for one that is there. A primary group that is missing is made. A password
    is never set. A home directory is made for a new user only, if `home` is given.

    Example:
        user: {name: prometheus, system: true}
        user: {name: ops, uid: 2000, groups: [docker], home: /home/ops, shell: /bin/bash}

    Raises:
        RefusedError: `home` belongs to a user other than this one and root.
        ApplyError: the uid belongs to another user, one of `groups` does not exist, or
            the user's processes run while the uid should change.

    Source: useradd(8), usermod(8), shadow 4.5; getent(1).
    """

    title_format = "user {name}"
    advice_table = {
        ("is not unique",): "choose another uid, or leave it out",
        ("' does not exist",): (
            "put the step that makes the group (a package, a `user`) before it"
        ),
        ("is currently used by process",): "stop the user's processes first",
    }

    uid: int | None = Field(default=None, ge=0, lt=2**32 - 1)
    group: Name | None = None
    """The primary group; default: one with the user's name."""
    groups: tuple[Name, ...] = ()
    """Groups the user is in as well; those not named here are left alone."""
    system: bool = False
    """Take the number of a new user from the range for services."""
    home: AbsPath | None = None
    shell: AbsPath = "/usr/sbin/nologin"

    def probe(self) -> Sh:
        about = self.name if self.home is None else f"{self.name}:{self.home}"
        return Sh.mergeable_probe(PROBE, about, members=bool(self.groups))

    def observe(self, reply: Reply) -> State:
        found = super().observe(reply)
        owner = found.get(f".home.{self.home}", "")
        home = {"home_owner": owner} if owner else {}
        return account(self.name, found) | home

    def desired(self) -> State:
        uid = {} if self.uid is None else {"uid": str(self.uid)}
        home = {} if self.home is None else {"home": self.home}
        groups = {f"{IN}{one}": "true" for one in self.groups if one != self._group}
        return {**uid, "group": self._group, **home, "shell": self.shell, **groups}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        made = written.get(self.thing)
        if made and not observed and self.home and "home" not in made:
            return None  # useradd chooses the home of a new user
        return super().foresee(observed, written)

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        joined: dict[Thing, State] = {
            f"member:{self.name}:{change.field.removeprefix(IN)}": {"is": "there"}
            for change in changes
            if change.field.startswith(IN)
        }
        return {**super().writes(changes), **joined}

    def plan(self, observed: State) -> list[Change]:
        uid, _, owner = observed.get("home_owner", "").partition(":")
        # Many a service has a home of root's; and what belongs to the number that the
        # user is to have is the user's.
        if owner and uid not in {ROOT, observed.get("uid"), str(self.uid)}:
            owner = f"uid {uid}" if owner == "UNKNOWN" else owner
            raise RefusedError(
                f"the home directory {self.home} of {self.name} belongs to {owner}",
                hint=f"see whose it is to be: chown -R {self.name} {self.home} there, or "
                "another `home`, or none",
            )
        return super().plan(observed)

    def settled(self) -> Settled | None:
        if self.home is not None:
            return None  # its owner counts, and has more than one right name
        lines = [(f"{self.name}.shell={self.shell}",), (".", f"={self._group}")]
        lines += [(f"{self.name}.in.{group}=true",) for group in self.groups]
        lines += [] if self.uid is None else [(f"{self.name}.uid={self.uid}",)]
        return Settled(tuple(lines))

    @property
    def _group(self) -> str:
        return self.group or self.name

    def apply(self, changes: Sequence[Change]) -> Sh:
        uid = [] if self.uid is None else ["-u", str(self.uid)]
        home = [] if self.home is None else ["-d", self.home]
        return Sh.of(
            MAKE,
            *[*uid, *home, "-s", self.shell],
            name=self.name,
            group=self._group,
            groups=",".join(self.groups),
            home=self.home or "",
            is_system=self.system,
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, uid="" if self.uid is None else self.uid)


THERE = "there:"
"""Beginning of the state, in the manifest, of an account that was there before."""
BROUGHT_PROBE = read_shell(__file__, "user_brought_probe.sh")
RESTORE = read_shell(__file__, "user_restore.sh")
BROUGHT_REMOVE = read_shell(__file__, "user_brought_remove.sh")


class UserAbsent(Absence, NamedUser, kind="user_absent"):
    """No such user, nor the group of that name if it was only theirs.

    The user's files stay; remove them with a `file_absent` step. With `only_brought`
    a user stays that no step of provision has made, and has its number, primary group,
    home and shell again; it leaves the groups that a step has put it into.

    Example:
        user_absent: {name: prometheus}

    Raises:
        ApplyError: processes of the user run.

    Source: userdel(8), shadow 4.5.
    """

    title_format = "no user {name}"
    advice_table = {
        ("is currently used by process",): (
            "stop it first, for example with a `service_absent` step"
        )
    }

    only_brought: bool = False

    def probe(self) -> Sh:
        if not self.only_brought:
            return Sh.mergeable_probe(PROBE, self.name, members=False)
        return Sh.of(BROUGHT_PROBE, self.name, members=False, thing=self.thing)

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        noted, now = state.pop("noted", ABSENT), state.pop("now", "")
        joined = {
            f"{IN}{key.removeprefix(JOINED)}": state.pop(key)
            for key in [*state]
            if key.startswith(JOINED)
        }
        found = account(self.name, state)
        if noted == ABSENT or not found:
            return {"uid": found["uid"]} if found else {}
        altered = noted.startswith(THERE) and noted != now
        account_now = {"account": now.removeprefix(THERE)} if altered else {}
        return {STAYS: found["uid"], **account_now, **joined}

    def remarks(self, observed: State) -> Iterator[str]:
        if STAYS in observed:
            yield f"the user {self.name} stays: no run is known to have made it"

    def plan(self, observed: State) -> list[Change]:
        if STAYS not in observed:
            return super().plan(observed)
        return [
            Change(field, value, None if field.startswith(IN) else AS_IT_WAS)
            for field, value in observed.items()
            if field != STAYS
        ]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {**super().writes(changes), UNDONE: {"users": "undone"}}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        own = written.get(self.thing)
        if own is None:
            return observed
        if own and self.only_brought:
            return None
        return observed or {"uid": own.get("uid", "a new one")} if own else {}

    def apply(self, changes: Sequence[Change]) -> Sh:
        if any(c.field == "account" or c.field.startswith(IN) for c in changes):
            return Sh.of(RESTORE, name=self.name)
        if self.only_brought:
            return Sh.of(BROUGHT_REMOVE, name=self.name)
        return Sh.of(REMOVE, name=self.name)
