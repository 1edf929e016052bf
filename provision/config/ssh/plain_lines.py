"""Lines that every ssh accepts, so that it need not be asked whether it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from provision.config.ssh.lines import File, Line

FLAG = r"yes|no"
SMALL_NUMBER = r"[1-9][0-9]{0,3}"
WORD = r"[A-Za-z0-9_./~@:+-]+"
_FLAGS = (
    *("addkeystoagent", "batchmode", "checkhostip", "compression", "forwardagent"),
    *("forwardx11", "forwardx11trusted", "gssapiauthentication"),
    *("gssapidelegatecredentials", "hashknownhosts", "identitiesonly"),
    *("kbdinteractiveauthentication", "passwordauthentication"),
    *("pubkeyauthentication", "tcpkeepalive", "visualhostkey"),
)
_ONE_WORD: Mapping[str, str] = {
    **dict.fromkeys(_FLAGS, FLAG),
    **dict.fromkeys(("connecttimeout", "port", "serveraliveinterval"), SMALL_NUMBER),
    **dict.fromkeys(("hostname", "identityfile", "user"), WORD),
}
"""Patterns of the only word of a keyword; each has others that ssh accepts."""
_WORDS: Mapping[str, str] = {"host": r"!?[A-Za-z0-9_.:*?-]+", "sendenv": r"[A-Z_*]+"}
"""Patterns of each of several words."""


def all_plain(files: Iterable[File]) -> bool:
    """Return true if ssh is certain to accept every line of *files*.

    False is no more than doubt: a quote, a token or a keyword that is not known here.
    """
    return all(_plain(line) for file in files for line in file)


def _plain(line: Line) -> bool:
    if line.keyword == "include":
        return line.included is not None
    one = _ONE_WORD.get(line.keyword)
    pattern = one or _WORDS.get(line.keyword)
    if not pattern or not line.words or (one and len(line.words) > 1):
        return False
    quoted = re.search(r"[\"'\\#]", line.text)
    return not quoted and all(re.fullmatch(pattern, word) for word in line.words)
