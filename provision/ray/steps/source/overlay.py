"""Program for a host: builds an environment of Python with other sources of Ray.

It runs with the Python of the host, 3.9 or newer, and needs nothing else. Arguments: the
environment that has Ray from its wheel, the one to be made, the archive of the sources, the
commit. Files are links to those of the first environment, except what differs.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

MADE_BY_BUILD = {"generated", "thirdparty_files"}
"""Folders that only the wheel has: what is in them is in no repository."""
RECORD = ".provision"
"""The file that says that an environment is complete; written by the caller."""


def clone(base: Path, target: Path) -> None:
    """Make the environment *target* like *base*, of links to its files."""
    shutil.copytree(
        base,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns(RECORD),
        copy_function=_link,
    )
    # Programs of an environment begin with its path.
    for path in [target / "pyvenv.cfg", *(target / "bin").iterdir()]:
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes()
            if os.fsencode(base) in text:
                moved = text.replace(os.fsencode(base), os.fsencode(target))
                write(path, moved, path.stat().st_mode)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write(path: Path, content: bytes, mode: int) -> None:
    """Write *path* as a file of its own: the one there may be a link to another's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.chmod(mode & 0o777)
    new.replace(path)


def sources(archive: Path) -> Iterator[tuple[Path, bytes, int]]:
    """Yield the path, content and mode of each file in *archive*."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = Path(member.name)
            if path.is_absolute() or ".." in path.parts or path.parts[0] != "ray":
                raise ValueError(f"the archive has the path {member.name}")
            file = tar.extractfile(member) if member.isreg() else None
            if file:
                yield path, file.read(), member.mode


def lay_over(packages: Path, archive: Path) -> tuple[int, int]:
    """Lay the sources in *archive* over the Ray in *packages*.

    Returns:
        How many files were written, and how many removed that the sources do not have.
    """
    written, names = [], set()
    for path, content, mode in sources(archive):
        names.add(path)
        there = packages / path
        if not there.is_file() or there.read_bytes() != content:
            write(there, content, mode)
            written.append(there)
    removed = remove_others(packages, names)
    for path in written:
        if path.suffix == ".py":
            compileall.compile_file(str(path), quiet=2, force=True)
    return len(written), removed


def remove_others(packages: Path, names: set[Path]) -> int:
    """Remove modules that *names* does not have, from folders that it has; count them."""
    folders = {path.parent for path in names}
    others = [
        path
        for folder in folders
        if MADE_BY_BUILD.isdisjoint(folder.parts)
        for path in (packages / folder).glob("*.py")
        if path.relative_to(packages) not in names
    ]
    for path in others:
        path.unlink()
    return len(others)


def main(base: str, target: str, archive: str, commit: str) -> None:
    """Make the environment *target*."""
    made = Path(target)
    clone(Path(base), made)
    [packages] = [path.parent for path in made.glob("lib/python3*/site-packages/ray")]
    written, removed = lay_over(packages, Path(archive))
    sys.stdout.write(
        f"sources at {commit[:10]}: {written} files differ from the wheel's, "
        f"{removed} are gone\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
