"""The program git on the machine that runs this program."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from provision.errors import RefusedError

USER_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")
QUIET = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
"""Environment: English messages, and no question on the terminal for a login."""
OF_CALLER = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
}
"""Variables that a hook of git has, and that would come before the folder that is named."""
ASK_LIMIT_S = 60
FETCH_LIMIT_S = 1800
NO_GIT = "there is no git on this machine, which fetches ray_source"


class GitError(Exception):
    """git ended with an error; its text is git's last words."""


def shown(text: str) -> str:
    """Return *text* without the logins that URLs in it have."""
    return USER_IN_URL.sub("", text)


def git(*words: str, folder: Path | None = None, limit_s: float = ASK_LIMIT_S) -> bytes:
    """Run git; return its output.

    Raises:
        GitError: it ended with an error.
        RefusedError: there is no git.
    """
    with started(words, folder) as process:
        try:
            output, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise GitError(f"no answer within {limit_s:g} s") from error
        if process.returncode:
            raise GitError(last_words(errors))
    return output


def started(words: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
    """Return git that runs with *words*, in *folder*; its output is to be read.

    Raises:
        RefusedError: there is no git.
    """
    place = ["-C", str(folder)] if folder else []
    try:
        return subprocess.Popen(
            ["git", *place, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
    except FileNotFoundError as error:
        raise RefusedError(
            NO_GIT, hint="install the package git", once=NO_GIT
        ) from error


def environment() -> dict[str, str]:
    """Return the environment of git: without the repository of whoever calls us."""
    own = {name: value for name, value in os.environ.items() if name not in OF_CALLER}
    return {**own, **QUIET}


def last_words(errors: bytes) -> str:
    """Return the line of *errors* that says most."""
    lines = shown(errors.decode("utf-8", "replace")).strip().splitlines()
    fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
    return (fatal or lines or ["git gave no reason"])[0]
