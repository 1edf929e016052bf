"""The options that ssh_config sets for one host, as far as its blocks can be read here.

Host, Include and Match with host, originalhost, user, localuser and all are read here.
What else a Match asks (exec, localnetwork, final ...) only ssh can answer, as well as
how it makes names canonical. A criterion that is the same for all hosts is asked for
on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from provision.config.ssh.lines import File, Line
from provision.config.ssh.patterns import host_matches, list_matches
from provision.config.ssh.tokens import Tokens

ADDING = ("identityfile", "certificatefile")
"""Options of which each line adds one; of others the first line counts."""
PROXIES = ("proxyjump", "proxycommand")
LATER_TOKENS = ("user", "bindaddress", "hostkeyalias", "port")
"""Options that have no tokens, or not in each version of ssh."""


CONSTANT = ("exec", "localnetwork")
"""Criteria of Match that are the same for all hosts, unless they have tokens."""


@dataclass(slots=True)
class Blocks:
    """The reading of all lines for the host *name*.

    Attributes:
        name: the host, as the person calls it.
        local_user: the user of this program.
        holds: answers a criterion that is the same for all hosts; None = unknown.
        options: the words of each option that is set.
        unclear: the first line that only ssh can answer for this host.
    """

    name: str
    local_user: str
    holds: Callable[[str, str], bool | None]
    options: dict[str, list[str]] = field(default_factory=dict)
    unclear: Line | None = None

    def read(self, files: Iterable[File]) -> None:
        """Read *files* in their order."""
        for file in files:
            self._read(file.lines)

    def _read(self, lines: Sequence[Line]) -> None:
        active = True
        for line in lines:
            if line.keyword == "host":
                active = host_matches(self.name, line.words)
            elif line.keyword == "match":
                active = self._matches(line)
            elif active:
                self._set(line)

    def _set(self, line: Line) -> None:
        if line.included is not None:
            self.read(line.included)
        elif _only_ssh_reads(line):
            self.unclear = self.unclear or line
        else:
            self._add(line.keyword, line)

    def _add(self, name: str, line: Line) -> None:
        # A jump and a proxy command exclude each other: the first of them counts.
        if name in PROXIES and any(one in self.options for one in PROXIES):
            return
        if name not in ADDING:
            self.options.setdefault(name, list(line.words))
        elif line.words[0] not in self.options.setdefault(name, []):
            self.options[name].append(line.words[0])

    def _matches(self, line: Line) -> bool:
        criteria = list(criteria_of(line))
        for negated, criterion, patterns in criteria:
            known = self._criterion(criterion, patterns)
            if known is None:
                self.unclear = self.unclear or line
                return False
            if known == negated:
                return False
        return bool(criteria)

    def _criterion(self, criterion: str, patterns: str) -> bool | None:
        if criterion == "all":
            return True
        if criterion in CONSTANT and "%" not in patterns:
            return self.holds(criterion, patterns)
        subject = self._subject(criterion)
        if subject is None:
            return None
        lower = criterion in ("host", "originalhost")
        return list_matches(subject, patterns, lower=lower)

    def _subject(self, criterion: str) -> str | None:
        """Return the text that the patterns of a criterion are compared with."""
        user = self.options.get("user", (self.local_user,))
        return {
            "host": self._host(),
            "localuser": self.local_user,
            "originalhost": self.name,
            "user": " ".join(user),
        }.get(criterion)

    def _host(self) -> str:
        named = self.options.get("hostname")
        return Tokens({"h": self.name}).text(" ".join(named)) if named else self.name


def criteria_of(line: Line) -> Iterator[tuple[bool, str, str]]:
    """Yield what a Match line asks: negated or not, the criterion, its patterns.

    The criterion is "" where only ssh can read it.
    """
    words = iter(line.words)
    for word in words:
        name, sign, patterns = word.partition("=")
        negated, name = name.startswith("!"), name.removeprefix("!").lower()
        if name == "all" and len(line.words) == 1 and not negated:
            yield False, name, ""
        elif name in ("host", "originalhost", "user", "localuser", *CONSTANT):
            patterns = patterns if sign else next(words, "")
            plain = patterns and not patterns.startswith("=")
            # Versions of ssh do not agree on these signs.
            plain = plain and not any(odd in line.text for odd in "'\\")
            yield negated, name if plain else "", patterns
        else:
            yield negated, "", ""
            return


def _only_ssh_reads(line: Line) -> bool:
    if line.keyword == "canonicalizehostname":
        return [word.lower() for word in line.words] not in (["no"], ["false"])
    tokens = any(sign in word for word in line.words for sign in "%$")
    if line.keyword in LATER_TOKENS:
        return tokens
    return line.keyword == "include" or not line.keyword or not line.words
