"""The program ssh, asked what its files mean for a host (`ssh -G`).

It reads copies of the files that were read here, with their Includes named in full:
ssh takes the home of the person from the system's list of users, not from HOME, and the
files may change in between.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from provision.config.ssh.files import ConfigFiles
from provision.config.ssh.lines import Line
from provision.errors import InputError, raise_all

MOST_SHOWN = 10
"""Mistakes that are shown of one file, which may be no text at all."""
LIMIT_S = 30.0
"""Longest time for an answer: a Match exec may run a program."""
PLACE = re.compile(r"(?P<file>.+?):? line (?P<line>\d+): (?P<problem>.*)")
ENDING = re.compile(r".+: terminating, \d+ bad configuration options")
HOLDS = "holds.invalid"
COMMAND_LINE = "command-line"
Answer = dict[str, list[str]]
"""The values that ssh prints for each option, in lower case."""


def ssh_program() -> str | None:
    """Return the path of ssh; None if it is not installed."""
    return shutil.which("ssh")


def ask(files: ConfigFiles, name: str, lines: Sequence[Line]) -> Answer:
    """Return what ssh makes of *files* and of the arguments *lines* for *name*.

    Raises:
        InputError: ssh refuses them; with its words, and the place.
    """
    with tempfile.TemporaryDirectory(prefix="provision-ssh-") as folder:
        copies = _copy(files, Path(folder))
        words = [word for line in lines for word in ("-o", line.text)]
        answer = _run(["-F", f"{folder}/config", *words, "--", name])
    if answer.returncode == 0:
        return parse_answer(answer.stdout)
    if COMMAND_LINE in answer.stderr:
        raise_all(_refused_arguments(lines))
    raise_all(itertools.islice(_refusals(answer.stderr, copies), MOST_SHOWN))
    raise InputError(f"ssh -G {name} ended with {answer.returncode}")


def ask_criterion(criterion: str, value: str) -> Answer:
    """Return what ssh makes of a Match with one *criterion*: `HOLDS` is its HostName.

    Raises:
        InputError: ssh refuses it.
    """
    with tempfile.TemporaryDirectory(prefix="provision-ssh-") as folder:
        text = f'Match {criterion} "{value}"\n  HostName {HOLDS}\n'
        _write(f"{folder}/config", os.fsencode(text))
        answer = _run(["-F", f"{folder}/config", "--", "localhost"])
    if answer.returncode:
        raise InputError(answer.stderr.strip())
    return parse_answer(answer.stdout)


@functools.cache
def defaults() -> Answer:
    """Return what ssh does where nothing is said."""
    return parse_answer(_run(["-F", "none", "--", "localhost"]).stdout)


def parse_answer(text: str) -> Answer:
    """Return the options that `ssh -G` printed."""
    answer: defaultdict[str, list[str]] = defaultdict(list)
    for line in text.split("\n"):
        name, _, value = line.partition(" ")
        answer[name.lower()].append(value)
    return dict(answer)


def _run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [ssh_program() or "ssh", "-G", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InputError(
            f"ssh cannot be asked for its configuration: {error}"
        ) from error


def _copy(files: ConfigFiles, folder: Path) -> dict[str, str]:
    """Write *files* to *folder*; return the original of each copy."""
    copies = {path: str(folder / str(n)) for n, path in enumerate(files.contents)}
    changed = _include_lines(files, copies, f'"{folder}/none"')
    for path, copy in copies.items():
        lines = files.contents[path].split(b"\n")
        for number, text in changed[path].items():
            lines[number - 1] = os.fsencode(text)
        _write(copy, b"\n".join(lines))
    tops = "".join(f'Include "{copies[file.path]}"\n' for file in files.files)
    _write(f"{folder}/config", os.fsencode(tops))
    return {copy: path for path, copy in copies.items()}


def _write(path: str, content: bytes) -> None:
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(content)


def _include_lines(
    files: ConfigFiles, copies: Mapping[str, str], nothing: str
) -> defaultdict[str, dict[int, str]]:
    """Return by file and number the Include lines, which name the copies."""
    changed: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for line in itertools.chain.from_iterable(files.files):
        if line.included is not None:
            names = [f'"{copies[file.path]}"' for file in line.included]
            text = " ".join(names) or nothing
            changed[line.file][line.number] = f"Include {text}"
    return changed


def _refusals(text: str, copies: Mapping[str, str]) -> Iterator[InputError]:
    """Yield what ssh said, with the originals of the *copies* that it names."""
    for said in map(str.strip, text.split("\n")):
        found = PLACE.fullmatch(said)
        if found and found["file"] in copies:
            place = copies[found["file"]], int(found["line"])
            yield InputError(found["problem"], file=place[0], line=place[1])
        elif found is None and said and not ENDING.fullmatch(said):
            yield InputError(f"ssh: {said}")


def _refused_arguments(lines: Sequence[Line]) -> Iterator[InputError]:
    """Yield what ssh says against each of *lines*: it stops at the first itself."""
    for line in lines:
        answer = _run(["-F", "none", "-o", line.text, "--", "localhost"])
        if answer.returncode:
            found = PLACE.match(answer.stderr)
            problem = found["problem"] if found else answer.stderr.strip()
            where = f"{line.text}: {problem.rstrip()}"
            yield InputError(where, file=line.file, line=line.number)
