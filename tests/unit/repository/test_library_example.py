"""The example in docs/library.md runs as it is printed."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "library.md"
FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def owned_by_this_user(code: str) -> str:
    """Files belong to root by default; tests may be run by somebody else."""
    if os.geteuid() == 0:
        return code
    owner = f'owner="{os.geteuid()}", group="{os.getegid()}"'
    return re.sub(r"(Directory|File)\(", rf"\1({owner}, ", code)


def test_it_plans_applies_and_finds_nothing_more_to_do(tmp_path: Path) -> None:
    blocks = FENCE.findall(PAGE.read_text())
    target = f"{tmp_path}/provision-example"
    code = "\n".join(blocks).replace("/tmp/provision-example", target)
    Path(target).mkdir()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(owned_by_this_user(code), str(PAGE), "exec"), {})
    said = output.getvalue()
    assert "2 changed, exit code 0" in said
    assert "0 changed, 1 round trip" in said
    assert "changed: here" not in said, "the last apply had nothing to do"
    assert Path(target, "notes/today.txt").read_text() == "Ray is up\n"
    assert Path(target, "notes").stat().st_mode & 0o777 == 0o750
