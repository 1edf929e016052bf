"""The program `python -m provision.testing`: checks and records golden cases."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from provision.errors import InputError
from provision.testing.cases import check_case, load_case
from provision.testing.recording import record_case


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m provision.testing")
    parser.add_argument("command", choices=["check", "record"])
    parser.add_argument("paths", nargs="+", type=Path, help="cases, or folders of them")
    options = parser.parse_args()
    run = _record if options.command == "record" else _check
    files = [file for path in options.paths for file in _files(path)]
    failed = [file for file in files if not run(file)]
    sys.stdout.write(f"{len(files)} cases, {len(failed)} failed\n")
    return 1 if failed or not files else 0


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.yml")) if path.is_dir() else [path]


def _record(file: Path) -> bool:
    try:
        if record_case(file):
            sys.stdout.write(f"{file}: recorded; review the difference\n")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return False
    return True


def _check(file: Path) -> bool:
    try:
        check_case(load_case(file))
    except (InputError, AssertionError) as error:
        sys.stderr.write(f"{error}\n")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
