"""A step that does not keep the contract is found out, in the shell where it does not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from provision.model.change import Change, State
from provision.model.shell import Reply, Sh
from provision.model.step import Step
from provision.steps.files.file import Directory
from provision.testing import assert_converges

PROBE = '[ ! -f "$path" ] || printf "text=%s\\n" "$(cat "$path")"'
WRITE = 'printf %s "$text" >"$path"'
DASH = (("dash",),)


class Text(Step, kind="text"):
    """A file with this text, for tests."""

    path: str
    text: str = "new"
    look: str = PROBE
    change: str = WRITE

    def probe(self) -> Sh:
        return self._sh(self.look)

    def desired(self) -> State:
        return {"text": self.text}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return self._sh(self.change)

    def _sh(self, text: str) -> Sh:
        return Sh(text, params={"path": self.path, "text": self.text})


def failure(shells: Sequence[Sequence[str]] = DASH, **params: object) -> str:
    """The message for a step that is wrong in the way that *params* make it."""
    with pytest.raises(AssertionError) as failed:
        assert_converges(
            lambda root: Text.model_validate({"path": f"{root}/x", **params}),
            shells=shells,
        )
    return str(failed.value)


@pytest.mark.skipif(not shutil.which("busybox"), reason="busybox is not installed")
def test_a_step_that_keeps_the_contract_passes_in_every_shell() -> None:
    own = {"owner": str(os.geteuid()), "group": str(os.getegid())}
    [change, *_] = assert_converges(
        lambda root: Directory.model_validate({"path": f"{root}/data", **own})
    )
    assert (change.before, change.after) == (None, "directory")


def test_the_folder_may_be_prepared_and_is_fresh_for_each_shell() -> None:
    def make(root: Path) -> Step:
        assert list(root.iterdir()) == []
        (root / "x").write_text("old")
        return Text(path=f"{root}/x")

    changes = assert_converges(make, shells=(("dash",), ("bash", "--posix")))
    assert changes == [Change("text", "old", "new")]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"change": "exit 7"}, "failed with exit code 7"),
        ({"change": "true"}, "still differs: text: (absent) -> new"),
        ({"change": "cat /nowhere"}, "No such file"),
        ({"change": f"{WRITE}; set -C; : >$path.twice"}, "exit code"),
        ({"look": f'touch "$path.seen"; {PROBE}'}, "its probe changes something"),
        ({"look": "echo text=new"}, "nothing differs at first"),
    ],
)
def test_a_step_that_breaks_the_contract_fails(
    params: dict[str, str], message: str
) -> None:
    assert message in failure(**params)


def test_a_change_that_does_not_last_fails() -> None:
    once = f'[ ! -f "$path.seen" ] || rm -f "$path"; {PROBE}'
    look = f'{once}; [ ! -f "$path" ] || : >"$path.seen"'
    assert "still differs: text: (absent) -> new" in failure(look=look)


def test_shells_that_do_not_agree_are_named() -> None:
    bash = ("bash", "--posix")
    if_bash = 'if [ -n "${BASH_VERSION:-}" ]; then echo more=1; fi'

    class Odd(Text, kind="odd"):
        def desired(self) -> State:
            return {"text": "new", "more": "2"}

        def plan(self, observed: State) -> list[Change]:
            changes = super().plan(observed)
            return [c for c in changes if c.field == "text" or c.before]

        def observe(self, reply: Reply) -> State:
            state = dict(super().observe(reply))
            if state.get("text"):
                state["more"] = "2"
            return state

    with pytest.raises(AssertionError, match=r"dash finds .* bash --posix that"):
        assert_converges(
            lambda root: Odd(path=f"{root}/x", look=f"{PROBE}; {if_bash}"),
            shells=(("dash",), bash),
        )


def test_what_only_bash_understands_fails_in_dash() -> None:
    assert "exit code" in failure(change='[[ $text == new ]]; echo -n new >"$path"')


def test_a_change_that_takes_a_moment_is_polled() -> None:
    later = '(sleep 0.4; printf %s "$text" >"$path") >/dev/null 2>&1 &'
    assert_converges(
        lambda root: Text(path=f"{root}/x", change=later, settle_s=10), shells=DASH
    )


def test_a_shell_that_is_missing_is_not_passed_over() -> None:
    assert "nosuchshell is not installed" in failure(shells=[("nosuchshell",)])
