"""The settings of a host: read here where that is certain, else asked of ssh.

ssh is asked once for each distinct set of blocks that apply, and once to see whether
it accepts the files at all: 500 hosts are not 500 processes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provision.config.ssh.blocks import Blocks
from provision.config.ssh.files import ConfigFiles
from provision.config.ssh.lines import File, Line, parse
from provision.config.ssh.patterns import host_matches, list_matches
from provision.config.ssh.plain_lines import all_plain
from provision.config.ssh.program import (
    HOLDS,
    Answer,
    ask,
    ask_criterion,
    defaults,
    ssh_program,
)
from provision.config.ssh.settings import ALGORITHMS, SshSettings, settings
from provision.errors import InputError

EXPANDED_LATER = frozenset(
    ("proxycommand", "proxyjump", "controlpath", "remotecommand")
)
"""Options whose tokens ssh -G prints as they are."""
OF_THE_NAME = r"%[^%dLlui]"
"""Tokens whose values may differ between hosts; the others are about this machine."""
NOT_HONOURED = ("bindinterface", "proxyusefdpass")
"""Options with which ssh would reach another machine than we do."""
INSTALL = "install openssh-client, or write it with Host and Include alone"

LONGEST_S = 60.0
"""Seconds that an answer of ssh is used: the program of a Match exec may change its mind."""
Asked = tuple[str, Answer]
"""The host that ssh was asked about, and its answer."""


@dataclass(frozen=True, slots=True)
class SshRequest:
    """The question how to reach one host.

    Attributes:
        name: the host, as the inventory or a jump calls it.
        arguments: lines of ssh_config that come first, as those of `ssh -o`.
        file: the file of `ssh -F`; None = the usual ones.
        where: the place of the arguments, `file:line`.
    """

    name: str
    arguments: tuple[str, ...] = ()
    file: str | None = None
    where: str = ""


class _Once:
    """Answers of ssh, each asked for once, also if several threads need it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)
        self._answers: dict[Hashable, tuple[str, Answer] | InputError] = {}

    def get(self, key: Hashable, question: Callable[[], Answer], name: str) -> Asked:
        """Return the answer for *key*, and the host it was asked for.

        Raises:
            InputError: ssh refuses to answer; each time.
        """
        with self._lock:
            lock = self._locks[key]
        with lock:
            if key not in self._answers:
                self._answers[key] = _outcome(question, name)
            found = self._answers[key]
        if isinstance(found, InputError):
            raise found
        return found


def _outcome(question: Callable[[], Answer], name: str) -> Asked | InputError:
    try:
        return name, question()
    except InputError as error:
        return error


@dataclass(slots=True)
class Configuration:
    """The files as they are, what ssh has answered about them, and what that led to."""

    files: ConfigFiles
    once: _Once = field(default_factory=_Once)
    made_s: float = field(default_factory=time.monotonic)
    _found: dict[Hashable, SshSettings] = field(default_factory=dict)
    _plain: bool = field(init=False)
    _has_variables: bool = field(init=False)

    def __post_init__(self) -> None:
        self._plain = all_plain(self.files.files)
        self._has_variables = self.files.has_variables

    @property
    def current(self) -> bool:
        """True while the files are the same and no answer of ssh is old."""
        return time.monotonic() - self.made_s < LONGEST_S and self.files.current

    def settings(self, request: SshRequest) -> SshSettings:
        """Return how to reach the host; see `resolve`."""
        # All that settings are made from, unless a line has a variable.
        key = (request, os.environ.get("SSH_AUTH_SOCK"))
        if key not in self._found:
            found = self._settings(request)
            if self._has_variables or any("$" in a for a in request.arguments):
                return found
            self._found[key] = found
        return self._found[key]

    def _settings(self, request: SshRequest) -> SshSettings:
        user, arguments = local_user(), _arguments(request)
        blocks = Blocks(request.name, user, self._holds)
        try:
            blocks.read([arguments, *self.files.files])
            if blocks.unclear:
                options = self._asked(request, arguments, blocks.unclear)
            else:
                self._check(request, arguments)
                options = blocks.options
            self._refuse(options)
            return settings(request.name, options, user)
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"ssh_config for {request.name}: {error}") from error

    def _holds(self, criterion: str, value: str) -> bool | None:
        """Tell whether a criterion holds that is the same for all hosts."""
        if not ssh_program() or '"' in value:
            return None
        question = functools.partial(ask_criterion, criterion, value)
        with contextlib.suppress(InputError):
            _, answer = self.once.get((criterion, value), question, "")
            return answer["hostname"] == [HOLDS]
        # What is wrong with it, ssh says for the whole file.
        return None

    def _refuse(self, options: Mapping[str, Sequence[str]]) -> None:
        """Refuse options that cannot be honoured; in arguments they are refused before.

        Raises:
            InputError: there is one.
        """
        for name in NOT_HONOURED:
            if " ".join(options.get(name, ("no",))).lower() not in ("no", "false"):
                lines = (line for file in self.files.files for line in file)
                quoted = re.compile(rf'[ \t"]*{name}\b', re.IGNORECASE)
                line = next((one for one in lines if quoted.match(one.text)), None)
                line = line or Line("", (), name)
                what = f"{line.text.strip()!r} is not honoured here"
                raise InputError(what, file=line.file, line=line.number)

    def _check(self, request: SshRequest, arguments: File) -> None:
        """Let ssh look for mistakes, once for all hosts with the same arguments."""
        checked = tuple(line.text for line in arguments.lines if not _checked(line))
        if (checked or not self._plain) and ssh_program():
            self._ask(("check", checked), request, arguments)

    def _asked(
        self, request: SshRequest, arguments: File, unclear: Line
    ) -> Mapping[str, Sequence[str]]:
        """Let ssh answer for all hosts that have the same blocks as this one."""
        if not ssh_program():
            what = (
                f"only ssh, which is not installed, can read {unclear.text.strip()!r}"
            )
            raise InputError(what, hint=INSTALL, file=unclear.file, line=unclear.number)
        files = [arguments, *self.files.files]
        key = (request.arguments, *_choices(files, request.name))
        name, answer = self._ask(key, request, arguments)
        return _options(answer, name, files)

    def _ask(self, key: Hashable, request: SshRequest, arguments: File) -> Asked:
        return self.once.get(
            key,
            lambda: ask(self.files, request.name, arguments.lines),
            request.name,
        )


_lock = threading.Lock()
_configurations: dict[tuple[str, str | None], Configuration] = {}


def resolve(request: SshRequest) -> SshSettings:
    """Return how to reach the host of *request*.

    Raises:
        InputError: a file or an argument cannot be used; with its place.
    """
    key = (str(Path.home()), request.file)
    with _lock:
        found = _configurations.get(key)
        if found is None or not found.current:
            found = _configurations[key] = Configuration(ConfigFiles.read(request.file))
    return found.settings(request)


def local_user() -> str:
    """Return the name of the user of this program, as ssh finds it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError as error:
        raise InputError(f"user {os.getuid()} of this program has no name") from error


def _arguments(request: SshRequest) -> File:
    lines = [parse(text, request.where) for text in request.arguments]
    return File("", [line for line in lines if line])


def _choices(files: Sequence[File], name: str) -> Iterator[Hashable]:
    """Yield what tells apart the hosts that ssh may answer differently."""
    for line in (line for file in files for line in file):
        if line.keyword == "host":
            yield host_matches(name, line.words)
        elif line.keyword == "match":
            yield from (list_matches(name, w, lower=True) for w in _words(line))
        if _depends_on_name(line, name):
            yield name


def _words(line: Line) -> Iterator[str]:
    """Yield the words of a Match, with those after `=` on their own."""
    for word in line.words:
        yield word
        yield word.partition("=")[2]


def _depends_on_name(line: Line, name: str) -> bool:
    """Tell whether ssh may put the name into what it prints, or compare it with it."""
    if not line.keyword or line.keyword == "canonicalizehostname":
        return True
    if line.keyword in EXPANDED_LATER:
        return False
    if line.keyword == "include" and line.included is None:
        return True
    tokens = re.search(OF_THE_NAME, line.text)
    return bool(tokens) or (line.keyword == "hostname" and name in line.words)


def _options(answer: Answer, name: str, files: Sequence[File]) -> dict[str, list[str]]:
    """Return the options in the *answer* for the host *name*, as lines would set them."""
    usual, options = defaults(), dict(answer)
    for option in ("identityfile", *ALGORITHMS):
        if options.get(option) == usual.get(option):
            options.pop(option, None)
    if options.get("hostname") == [name.lower()]:
        del options["hostname"]
    for option in ("hostname", "identityagent", "revokedhostkeys"):
        if option in options:
            options[option] = [_literal(_in_home(word)) for word in options[option]]
    user, system = "userknownhostsfile", "globalknownhostsfile"
    options[user] = [_literal(w) for w in _paths(options[user][0], user, files)]
    options[system] = _paths(options[system][0], system, files)
    return options


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _in_home(path: str) -> str:
    """Return *path* with the home of this program, where ssh has that of the user."""
    there = pwd.getpwuid(os.getuid()).pw_dir
    return (
        str(Path.home()) + path[len(there) :] if path.startswith(f"{there}/") else path
    )


def _paths(printed: str, option: str, files: Sequence[File]) -> list[str]:
    """Return the paths that ssh *printed* in one line, without their quotes."""
    paths = printed.split()
    for line in (line for file in files for line in file if line.keyword == option):
        found = re.fullmatch(" ".join(map(_pattern, line.words)), printed)
        if found and any(" " in word for word in line.words):
            paths = list(found.groups())
    return [_in_home(path) for path in paths]


def _pattern(word: str) -> str:
    """Return the pattern of what ssh makes of a path with tokens."""
    parts = re.split(r"%.|\$\{[^}]*\}|\A~", word)
    return f"({'.*'.join(map(re.escape, parts))})"


def _checked(line: Line) -> bool:
    """Tell whether *line* is good without asking ssh: port and user of the inventory."""
    port = line.keyword == "port" and line.words[0].isdigit()
    return port or line.keyword == "user"
