"""Known vulnerabilities of the packages in the lock files, from the OSV database.

Source: https://google.github.io/osv.dev/post-v1-querybatch/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATABASE = "https://api.osv.dev"
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)
LIMIT_S = 20.0
BATCH = 500
"""Packages in one query; the database accepts 1000."""


class UnreachableError(Exception):
    """The database does not answer, or in another format: nothing is known."""


class LockError(Exception):
    """A lock file is missing, or a package in it has no hash."""


@dataclass(frozen=True, order=True)
class Pin:
    """A package and its pinned version."""

    name: str
    version: str


@dataclass(frozen=True)
class Advisory:
    """A known vulnerability of a pinned package."""

    pin: Pin
    id: str
    summary: str


def pins(folder: Path) -> list[Pin]:
    """Return all packages of the lock files in *folder*, each once.

    Raises:
        LockError: a file is missing or empty, or a package in it has no hash.
    """
    found = set()
    for name in LOCKS:
        try:
            entries = _entries((folder / name).read_text("utf-8"))
        except OSError as error:
            raise LockError(f"{name}: {error.strerror}; run `invoke lock`") from error
        bare = [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]
        if bare or not entries:
            what = f"no hash for {', '.join(bare)}" if bare else "no packages"
            raise LockError(f"{name}: {what}; run `invoke lock`")
        found |= {Pin(*match.groups()) for e in entries if (match := PIN.match(e))}
    return sorted(found)


def _entries(text: str) -> list[str]:
    """Return the packages of a lock file, each with its hashes."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line for line in joined.splitlines() if line and line[0] not in "# "]


def known(pinned: Iterable[Pin], database: str = DATABASE) -> list[Advisory]:
    """Return the vulnerabilities in *database* of the *pinned* packages.

    Raises:
        UnreachableError: the database does not answer.
    """
    todo, found = list(pinned), []
    for start in range(0, len(todo), BATCH):
        some = todo[start : start + BATCH]
        queries = [
            {"package": {"name": p.name, "ecosystem": "PyPI"}, "version": p.version}
            for p in some
        ]
        answer = _query(f"{database}/v1/querybatch", {"queries": queries})
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(some):
            raise UnreachableError(f"{database} did not answer for every package")
        for pin, result in zip(some, results, strict=True):
            ids = [one["id"] for one in (result or {}).get("vulns", ())]
            found += [Advisory(pin, id_, _summary(database, id_)) for id_ in ids]
    return found


def _summary(database: str, id_: str) -> str:
    try:
        about = _query(f"{database}/v1/vulns/{id_}")
    except UnreachableError:
        return ""
    return str(about.get("summary") or about.get("details", ""))[:200].replace(
        "\n", " "
    )


def _query(url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    # Slow to import, and every task would pay for it.
    import urllib.request

    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:  # noqa: S310
            answer = json.load(reply)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise UnreachableError(f"no answer from {url}: {why}") from error
    if not isinstance(answer, dict):
        raise UnreachableError(f"unexpected answer from {url}")
    return answer
