"""Writes into golden cases what the code sends, for its author to review as a diff."""

from __future__ import annotations

from pathlib import Path

import yaml

from provision.errors import HostError
from provision.testing.cases import Case, Sent, dump, load_case

PARTS = ("probe", "apply")


def record_case(path: Path) -> bool:
    """Write the `probe` and `apply` of the case at *path*; return True if one is new.

    All other lines of the file stay as they are, and so does a part that is right.

    Raises:
        InputError: the file is no case.
    """
    case = load_case(path)
    old = path.read_text(encoding="utf-8")
    text = old
    for part, sent in zip(
        PARTS, (Sent.of(case.step.probe()), _applied(case)), strict=True
    ):
        if getattr(case, part) != sent:
            text = _replaced(text, part, sent)
    if text != old:
        path.write_text(text, encoding="utf-8")
    return text != old


def _applied(case: Case) -> Sent | None:
    try:
        changes = case.step.plan(case.step.observe(case.reply))
    except HostError:
        return None
    return Sent.of(case.step.apply(changes)) if changes else None


def _replaced(text: str, part: str, sent: Sent | None) -> str:
    """Return *text* with *sent* in the place of the key *part*, else at its end."""
    lines = text.splitlines(keepends=True)
    start, end = _place(text, part) or (len(lines), len(lines))
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    new = [] if sent is None else [dump({part: sent.as_yaml()})]
    return "".join([*lines[:start], *new, *lines[end:]])


def _place(text: str, part: str) -> tuple[int, int] | None:
    """The first line of the key *part* and the line after its value, if it is there."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return None
    starts = {key.value: key.start_mark.line for key, _ in root.value}
    if part not in starts:
        return None
    lines = text.splitlines()
    start = starts[part]
    later = [line for line in starts.values() if line > start]
    end = min(later, default=len(lines))
    # Comments before the next key are about that one.
    while end > start + 1 and lines[end - 1][:1] in {"", "#"}:
        end -= 1
    return start, end
