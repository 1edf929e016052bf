"""Files and directories of a host: with this content and these rights, or absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, FileMode, Line
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step, TextChange, Thing
from provision.steps.files.foresight import (
    above,
    at,
    foresee_at,
    on_the_way,
    read_at,
)
from provision.steps.files.path_info import PROBE, found

LINKS = "hard_links"
"""The field of a file that has more than one."""
FOREIGN = "foreign"
"""The field with the owner of a directory that has something in it of somebody else."""
LARGEST = 2**20
"""Bytes of content that travel inside a script; Linux and sshd have no limit near it."""


def _content(value: str | SecretStr) -> str | SecretStr:
    data = _encoded(value)
    if b"\0" in data:
        raise ValueError("must not contain a NUL character")
    if len(data) > LARGEST:
        raise ValueError(
            f"has {len(data)} bytes, and a `file` step carries at most {LARGEST}: "
            "let the host download it, or install it from a package"
        )
    return value


def _encoded(content: str | SecretStr) -> bytes:
    return _plain(content).encode("utf-8", "surrogateescape")


def _plain(content: str | SecretStr) -> str:
    return content.get_secret_value() if isinstance(content, SecretStr) else content


Account = Annotated[
    str,
    Field(pattern=r"\A([0-9]+|[A-Za-z_][A-Za-z0-9_.@-]*\$?)\z"),
]
"""A user or group: its name, or its number, which need not have a name."""
Content = Annotated[str | SecretStr, AfterValidator(_content)]

# Five octal digits: with fewer, setuid and setgid bits of a directory would stay.
DIRECTORY_MAKE = r"""
install -d -o "$owner" -g "$group" -m "00$mode" -- "$path"
"""


MADE_ON_THE_WAY = {"type": "directory", "owner": "root", "group": "root", "mode": "755"}
"""State of a directory that is made because one below it is."""


class Ownership(Step):
    """A path with an owner, a group and a mode."""

    title_format = "{kind} {path}"
    advice_table = {
        ("invalid user", "invalid group"): "make its owner first, with a `user` step"
    }

    path: AbsPath
    owner: Account = "root"
    group: Account = "root"
    mode: FileMode

    def rights(self) -> dict[str, str]:
        """Owner, group and mode, as the probe prints them."""
        return {"owner": self.owner, "group": self.group, "mode": self.mode}

    def seen(self, path: str, reply: Reply) -> dict[str, str]:
        """Return the state of *path* in *reply*; numbers where owner and group are numbers."""
        there = found(reply).get(path)
        if there is None or there.type != self.kind:
            return {"type": there.type} if there else {}
        return {
            "type": there.type,
            "owner": there.uid if self.owner.isdigit() else there.owner,
            "group": there.gid if self.group.isdigit() else there.group,
            "mode": there.mode,
        } | there.content

    def line(self, *end: str) -> tuple[str, ...]:
        """Return the line of the probe with these rights that ends with *end*, in parts."""
        owner, group = f"{self.owner} ", f"{self.group} "
        if not self.owner.isdigit():
            owner = f" {owner}{group if self.group.isdigit() else ''}"
            return (f"stat {self.mode} ", owner, *self._group_name(), *end)
        return (f"stat {self.mode} {owner}", f" {group}", *end)

    def _group_name(self) -> tuple[str, ...]:
        return () if self.group.isdigit() else (f" {self.group} ",)

    @property
    def thing(self) -> Thing:
        return at(self.path)

    def reads(self) -> list[Thing]:
        return read_at(self.path)

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        return foresee_at(self.path, observed, written)

    def refuse_other_type(self, observed: State) -> None:
        """Raise RefusedError if something is there that is not of this kind."""
        there = observed.get("type", self.kind)
        if there != self.kind:
            raise RefusedError(
                f"{self.path} is a {there}, not a {self.kind}",
                hint="look at it, and move it away or choose another path",
            )


class Directory(Ownership, kind="directory"):
    """A directory with this owner, group and mode; what is inside is left alone.

    Directories above it that are missing are made too, as root's and with mode 755.
    A symbolic link to a directory counts as that directory. With `refuse_foreign` one
    that has another owner, and something in it that no run brought, is left to them.

    Example:
        directory: {path: /srv/data, owner: "1000", group: users, mode: "2775"}

    Raises:
        RefusedError: something else is at *path*, such as a file or a dangling link; or
            it is somebody else's, see `refuse_foreign`.
        ApplyError: there is no such owner or group.

    Source: stat(1) and install(1), GNU coreutils 8.32.
    """

    mode: FileMode = "755"
    refuse_foreign: bool = False

    @property
    def _asked(self) -> str:
        """The path as the probe is asked about it; see PROBE."""
        return f"{self.path}/." if self.refuse_foreign else f"{self.path}/"

    def probe(self) -> Sh:
        return Sh.mergeable_probe(PROBE, self._asked)

    def observe(self, reply: Reply) -> State:
        there = found(reply).get(self._asked)
        foreign = {FOREIGN: f"{there.owner} ({there.uid})"} if there else {}
        # Without the slash where it is not a directory.
        state = self.seen(self._asked, reply) or self.seen(self.path, reply)
        return {**state, **foreign} if there and there.is_foreign else state

    def desired(self) -> State:
        return {"type": "directory", **self.rights()}

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        on_its_way = map(on_the_way, above(self.path))
        return {**dict.fromkeys(on_its_way, MADE_ON_THE_WAY), **super().writes(changes)}

    def plan(self, observed: State) -> list[Change]:
        self.refuse_other_type(observed)
        changes = super().plan(observed)
        if FOREIGN in observed and "owner" in {change.field for change in changes}:
            raise RefusedError(
                f"{self.path} belongs to {observed[FOREIGN]}, and has something in it that "
                "no deploy brought",
                hint="choose another folder; or move that away; or, if it is this "
                f"program's, give it over: `chown -R {self.owner} {self.path}`",
            )
        return changes

    def settled(self) -> Settled:
        return Settled((self.line(f"directory:{self._asked}"),))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(DIRECTORY_MAKE, path=self.path, **self.rights())


# Who owns the folder may put a link in a file's place at any time: a file that was opened
# and found to be no link is reached by its descriptor from then on.
FILE_ADJUST = r"""
exec 9<"$path"
if [ "$(stat -L -c %d:%i /dev/fd/9)" != "$(stat -c %d:%i -- "$path")" ]; then
    printf '%s has become a link\n' "$path" >&2
    exit 1
fi
chown -- "$owner:$group" /dev/fd/9
chmod -- "00$mode" /dev/fd/9
"""
TEXT = 'head -c 1048576 -- "$path"'
READABLE_BY_ALL = 0o004
FILE_WRITE = read_shell(__file__, "file_write.sh")


class File(Ownership, kind="file"):
    """A file with exactly this content, owner, group and mode.

    It is replaced in one piece: nobody ever sees half of it, or secret content with
    wider rights than it should have. Plans show the content's digest; of a secret not
    even that. A symbolic link is neither followed nor replaced. Long content comes from
    a file beside the playbook: `"{{ template('x.j2') }}"`, or `"{{ file('x') }}"` as is.
    The access list and the attributes of a file that is replaced are kept where the host
    has GNU's cp; file capabilities are not. Other names of it (hard links) keep the old
    content.

    Example:
        file: {path: /etc/app/token, content: "{{ secret('app') }}", mode: "400"}

    Raises:
        RefusedError: a directory, a link or something else is at *path*.
        ApplyError: its directory is missing, there is no such owner or group, or
            `check` refuses the content, or cannot be run.

    Source: stat(1), sha256sum(1) and mv(1), GNU coreutils 8.32.
    """

    advice_table = {
        ("nothing says whether the content is good",): (
            "see that the program of `check` is there and runs on this host (a step before "
            "this one may have to install it); the content was not judged"
        ),
        ("before it judged the content",): (
            "see why it was killed, such as too little memory; the content was not judged"
        ),
        ("refuses it:",): "see the lines above, and correct the content",
        ("there is no directory",): "make it first, with a `directory` step",
        ("No space left",): "free some space in its file system",
        **Ownership.advice_table,
    }

    content: Content
    mode: FileMode = "644"
    check: tuple[Line, ...] = ()
    """A command, as words, that must accept a candidate before it replaces the file: it
    is run with the candidate's path, in the same directory, as its last word."""

    def probe(self) -> Sh:
        return Sh.mergeable_probe(PROBE, self.path)

    def observe(self, reply: Reply) -> State:
        state = self.seen(self.path, reply)
        there = found(reply).get(self.path)
        if there and there.type == "file" and there.links > 1:
            state = {**state, LINKS: str(there.links)}
        if "content" not in state or not isinstance(self.content, SecretStr):
            return state
        return {**state, "content": self._hidden(state["content"])}

    def _hidden(self, digest: str) -> str:
        """Return what a plan shows for secret content: not even its *digest*."""
        return "the secret" if digest == self._digest() else "something else"

    def desired(self) -> State:
        secret = isinstance(self.content, SecretStr)
        content = "the secret" if secret else self._digest()
        return {"type": "file", **self.rights(), "content": content}

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        state = dict(super().writes(changes)[self.thing])
        return {
            self.thing: state | {"content": self._digest()}
            if "content" in state
            else state
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        state = dict(super().foresee(observed, written))
        if state.get(LINKS) == "1":
            del state[LINKS]
        digest = state.get("content", "")
        if digest.startswith("sha256:") and isinstance(self.content, SecretStr):
            return {**state, "content": self._hidden(digest)}
        return state

    def _digest(self) -> str:
        return f"sha256:{sha256(_encoded(self.content)).hexdigest()}"

    def plan(self, observed: State) -> list[Change]:
        self.refuse_other_type(observed)
        changes = super().plan(observed)
        replaced = "content" in {change.field for change in changes}
        if replaced and LINKS in observed:
            # A new file comes in its place, which has no other name yet.
            changes.append(Change(LINKS, observed[LINKS], "1"))
        return changes

    def settled(self) -> Settled:
        digest = self._digest().removeprefix("sha256:")
        return Settled(
            (self.line("regular ", f"file:{self.path}"), (f"{digest}  {self.path}",))
        )

    def text_change(
        self, observed: State, changes: Sequence[Change]
    ) -> TextChange | None:
        if "content" not in {change.field for change in changes}:
            return None
        if isinstance(self.content, SecretStr):
            return TextChange(hidden="it is a secret")
        # What is there now may be a secret that this playbook knows nothing of.
        modes = {self.mode, observed.get("mode", self.mode)}
        if not all(int(mode, 8) & READABLE_BY_ALL for mode in modes):
            return TextChange(hidden="not everybody may read it on the host")
        before = Sh.of(TEXT, path=self.path) if observed else None
        return TextChange(before, self.content)

    def apply(self, changes: Sequence[Change]) -> Sh:
        if {change.field for change in changes} <= self.rights().keys():
            return Sh.of(FILE_ADJUST, path=self.path, **self.rights())
        content = _plain(self.content)
        rights = self.rights()
        return Sh.of(FILE_WRITE, *self.check, path=self.path, **rights, content=content)
