"""Steps for services read systemd and files, in each shell."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from shells import EACH_SHELL, run

from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.steps.services import service

SHOWN = """
Id=x.service
ActiveState=active
UnitFileState=
InvocationID=ab=c
"""
FILES = read_shell(service.__file__, "service_files.sh")
LARGE = 1048577

Shell = tuple[str, ...]


def ask(shell: Shell, text: str, *args: str) -> str:
    sh = Sh(FILES + text, args, {"name": "none", "archive": "", "given": SHOWN})
    reply = run(shell, sh)
    assert reply.exit == 0, reply.stderr
    return reply.stdout


@EACH_SHELL
def test_a_property_is_its_value_whatever_is_in_it(shell: Shell) -> None:
    text = 'shown=$given; for key; do printf "<%s>" "$(property "$key")"; done'
    keys = ("Id", "ActiveState", "UnitFileState", "InvocationID", "Nope", "State")
    assert ask(shell, text, *keys) == "<x.service><active><><ab=c><><>"


@EACH_SHELL
def test_the_digest_of_small_files_is_that_of_their_sums(
    shell: Shell, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("a", "b c")]
    for number, file in enumerate(files):
        file.write_text(f"text {number}")
    lines = [f"{sha256(f.read_bytes()).hexdigest()}  {f}\n" for f in files]
    wanted = sha256("".join(lines).encode()).hexdigest()
    assert ask(shell, 'digest "$@"', *map(str, files)).strip() == wanted


@EACH_SHELL
def test_a_file_that_is_missing_or_large_changes_the_digest(
    shell: Shell, tmp_path: Path
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_text("x")
    seen = {ask(shell, 'digest "$@"', str(small), str(large))}
    for content in ("y", "y" * LARGE):
        large.write_text(content)
        seen.add(ask(shell, 'digest "$@"', str(small), str(large)))
    assert len(seen) == 3
