"""Ray's sources at a tag, branch or commit of a git repository, fetched to this machine."""

from __future__ import annotations

import difflib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from provision.errors import RefusedError
from provision.file_lock import folder_lock
from provision.ray.steps.source.git import FETCH_LIMIT_S, GitError, git, shown

COMMIT = re.compile(r"[0-9a-f]{40}\Z")
PACKAGE = "python/ray"
"""The folder of Ray's Python sources."""
VERSION_FILES = (
    (f"{PACKAGE}/_version.py", re.compile(rb'^version\s*=\s*["\'](.+?)["\']', re.M)),
    (
        f"{PACKAGE}/__init__.py",
        re.compile(rb'^__version__\s*=\s*["\'](.+?)["\']', re.M),
    ),
)
"""Files that have said which version the sources are of, the latest first."""
_lock = threading.Lock()
_commits: dict[tuple[str, str, str], str] = {}


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with the sources of Ray.

    Attributes:
        url: as git takes it.
    """

    url: str

    def commit_of(self, ref: str, run: str) -> str:
        """Return the commit that *ref* is; the same for all hosts of a run.

        Raises:
            RefusedError: there is no such ref, or the repository cannot be reached.
        """
        if COMMIT.match(ref):
            return ref
        with _lock:
            key = (self.url, ref, run)
            if key not in _commits:
                _commits[key] = self._look_up(ref)
            return _commits[key]

    def _look_up(self, ref: str) -> str:
        try:
            listed = git("ls-remote", "--", self.url).decode()
        except GitError as error:
            raise self._unreachable(error) from error
        lines = (line.partition("\t") for line in listed.splitlines())
        refs = {name: commit for commit, _, name in lines}
        names = (f"refs/tags/{ref}", f"refs/heads/{ref}", ref)
        # A tag with a message is an object of its own; ^{} is the commit that it names.
        for name in (f"refs/tags/{ref}^{{}}", f"{ref}^{{}}", *names):
            if name in refs:
                return refs[name]
        raise self._no_ref(ref, refs)

    def _no_ref(self, ref: str, refs: dict[str, str]) -> RefusedError:
        known = {name.split("/", 2)[-1].removesuffix("^{}") for name in refs}
        near = difflib.get_close_matches(ref, known - {"HEAD"}, n=3, cutoff=0.5)
        hint = f"there is {', '.join(near)}; " if near else ""
        return self._refusal(
            f"{shown(self.url)} has no tag or branch {ref}",
            f"{hint}`git ls-remote {shown(self.url)}` lists them; a commit is written with "
            "all its 40 digits",
        )

    def fetched(self, commit: str) -> Path:
        """Return the folder of a repository here that has *commit*, fetched if need be.

        Raises:
            RefusedError: it has no such commit, or cannot be reached.
        """
        with self.held() as folder:
            if not _has(folder, commit):
                self._fetch(folder, commit)
        return folder

    def _fetch(self, folder: Path, commit: str) -> None:
        fetch = ("fetch", "--quiet", "--no-tags", "--depth=1", "--", self.url, commit)
        try:
            git(*fetch, folder=folder, limit_s=FETCH_LIMIT_S)
        except GitError as error:
            try:
                git("ls-remote", "--", self.url, "HEAD")
            except GitError as unreachable:
                raise self._unreachable(unreachable) from unreachable
            raise self._refusal(
                f"{shown(self.url)} has no commit {commit} that can be fetched: {error}",
                "push it to a branch or a tag there, or correct `ref` in ray_source",
            ) from error

    def version(self, commit: str) -> str:
        """Return the version of Ray that the sources at *commit* are of.

        Raises:
            RefusedError: it has no sources of Ray, or they do not say it.
        """
        folder = self.fetched(commit)
        if kind(folder, f"{commit}:{PACKAGE}") != "tree":
            raise self._refusal(
                f"{shown(self.url)} has no folder {PACKAGE} at {commit[:10]}: it is no "
                "repository of Ray",
                "set `url` in ray_source to Ray's own or to a fork of it",
            )
        for path, pattern in VERSION_FILES:
            if kind(folder, f"{commit}:{path}") == "blob":
                text = git("show", f"{commit}:{path}", folder=folder)
                if found := pattern.search(text):
                    return found[1].decode("utf-8", "replace")
        raise self._refusal(
            f"{shown(self.url)} does not say at {commit[:10]} which version of Ray it is",
            f'{VERSION_FILES[0][0]} has a line like: version = "2.60.0"',
        )

    @contextmanager
    def held(self) -> Iterator[Path]:
        """Give the folder of the repository here, which no other program changes."""
        folder = _cache() / f"{sha256(self.url.encode()).hexdigest()[:16]}.git"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with folder_lock(folder):
                if not (folder / "HEAD").exists():
                    git("init", "--quiet", "--bare", str(folder))
                yield folder
        except (OSError, GitError) as error:
            raise RefusedError(
                f"sources cannot be kept in {folder} on this machine: {error}",
                hint="make room there, or name another folder in XDG_CACHE_HOME",
                once="sources cannot be kept",
            ) from error

    def _unreachable(self, error: GitError) -> RefusedError:
        return self._refusal(
            f"{shown(self.url)} cannot be reached from this machine: {error}",
            "see the address and your login there; the hosts themselves do not need it",
        )

    def _refusal(self, problem: str, hint: str) -> RefusedError:
        return RefusedError(problem, hint=hint, once=problem)


def kind(folder: Path, name: str) -> str:
    """Return what the object *name* is, such as tree or blob; "" = there is none."""
    try:
        return git("cat-file", "-t", name, folder=folder).decode().strip()
    except GitError:
        return ""


def _has(folder: Path, commit: str) -> bool:
    return kind(folder, commit) == "commit"


def _cache() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named or "~/.cache").expanduser() / "provision" / "sources"
