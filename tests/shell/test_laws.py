"""Laws of every kind of step, for the parameters of its golden cases."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from shells import (
    CASES,
    EACH_SHELL,
    LOOKS_HERE,
    bare_tools,
    execute,
    run_bare,
    samples,
    without_room,
)

from provision.config.registry import kinds
from provision.errors import ProvisionError, RefusedError
from provision.model.shell import Sh
from provision.model.step import Step
from provision.steps.network.host_network import NETWORK_FIELDS

SAMPLES = samples()
EACH_SAMPLE = pytest.mark.parametrize("name", SAMPLES)
CANARY = "canary"
ODD = [
    f'it\'s $(touch {CANARY}) `touch {CANARY}` ; touch {CANARY} & "$x" \\ 100% * é',
    f"a\n$(touch {CANARY})\n'; touch {CANARY}; '",
    "-rf",
    "--",
    "a  b\t c ",
    f"$(touch {CANARY})",
    "/it's $(touch x)",
    f'/srv/it\'s a `touch {CANARY}` "$x" é',
    "'",
    "\\",
    "日本",
]
SHORT = '/d/it\'s `t` "$x"'


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind not in LOOKS_HERE])
def test_every_kind_has_a_sample(kind: str) -> None:
    found = [name for name in SAMPLES if name.startswith(f"{kind}/")]
    assert found, f"no law looked at {kind}: add tests/cases/{kind}/*.yml"


@EACH_SAMPLE
def test_what_is_desired_is_no_change(name: str) -> None:
    step = SAMPLES[name]
    assert step.plan(step.desired()) == []


@EACH_SAMPLE
def test_a_step_says_what_it_is_about(name: str) -> None:
    step = SAMPLES[name]
    assert step.title and "\n" not in step.title
    assert step.kind == name.partition("/")[0]
    assert type(step).__doc__


def scripts(step: Step) -> Iterator[Sh]:
    """All shell of a step: its probe, its evidence, and its change from nothing."""
    yield step.probe()
    yield step.evidence() or step.probe()
    yield step.apply(step.plan({}))
    if state := step.desired():
        for left_out in state:
            with contextlib.suppress(RefusedError):
                rest = {key: value for key, value in state.items() if key != left_out}
                yield step.apply(step.plan(rest))


@EACH_SHELL
@EACH_SAMPLE
def test_each_shell_reads_all_scripts(name: str, shell: tuple[str, ...]) -> None:
    texts = {sh.render() for sh in scripts(SAMPLES[name])}
    for text in texts:
        done = execute((*shell, "-n"), text.encode())
        assert (done.returncode, done.stderr) == (0, b""), text


@EACH_SHELL
@EACH_SAMPLE
def test_a_bare_host_says_absent(
    name: str, shell: tuple[str, ...], tmp_path: Path
) -> None:
    step = SAMPLES[name]
    reply = run_bare(shell, step.probe(), bare_tools(tmp_path / "bin"))
    state = step.observe(reply)
    # Of Docker's configuration a bare host may well have some.
    # What is no state of the step's own.
    apart = {"file", "host_memory_kb", "init"}
    rest = {k: v for k, v in without_room(state).items() if k not in apart}
    of_host = (NETWORK_FIELDS, "lacks.")
    assert {k for k in rest if not k.startswith(of_host)} == set()


def test_a_tool_that_is_missing_is_noticed(tmp_path: Path) -> None:
    tools = bare_tools(tmp_path / "bin")
    done = run_bare(("/bin/sh",), Sh.of("command -v docker"), tools)
    assert done.exit != 0


def variants(step: Step) -> Iterator[tuple[str, Step]]:
    """*step* with an odd text in each of its fields in turn, where that is allowed."""
    for field in type(step).model_fields:
        value = getattr(step, field)
        for odd in [*ODD, SHORT]:
            if isinstance(value, str):
                other: Any = odd
            elif isinstance(value, tuple):
                other = (odd, *value)
            elif isinstance(value, Mapping):
                other = {**value, "odd": odd}
            else:
                continue
            given = {name: getattr(step, name) for name in step.model_fields_set}
            with contextlib.suppress(ValidationError):
                accepted = type(step)(**{**given, field: other})
                accepted.probe()  # one made of other steps may refuse only now
                with contextlib.suppress(RefusedError):
                    accepted.desired()  # so may one that asks this machine
                    yield odd, accepted


def words(sh: Sh) -> list[str]:
    return [*sh.args, *sh.params.values()]


def echoed(shell: tuple[str, ...], sh: Sh, folder: Path) -> list[str]:
    """The words of *sh* as the shell has them when its text begins."""
    names = " ".join(f'"${name}"' for name in sh.params)
    text = f'for word in "$@" {names}; do printf \'%s\\0\' "$word"; done'
    script = Sh(text, sh.args, sh.params).render()
    done = subprocess.run(
        shell, input=script.encode(), capture_output=True, cwd=folder, check=True
    )
    return done.stdout.decode().split("\0")[:-1]


@EACH_SHELL
@EACH_SAMPLE
def test_odd_characters_arrive_as_they_are(
    name: str, shell: tuple[str, ...], tmp_path: Path
) -> None:
    fragments = {
        tuple(words(sh)): sh
        for _, step in variants(SAMPLES[name])
        for sh in (step.probe(), step.apply(step.plan({})))
    }
    for expected, sh in list(fragments.items())[:40]:
        assert echoed(shell, sh, tmp_path) == list(expected)
    assert list(tmp_path.iterdir()) == []


def planned(step: Step) -> Iterator[str]:
    """The words that are sent to change a bare host, and the hosts of the golden cases.

    Some steps do something only on a host that has a certain device.
    """
    yield from words(step.apply(step.plan({})))
    for path in sorted((CASES / step.kind).glob("*.yml")):
        with contextlib.suppress(ProvisionError):
            state = yaml.safe_load(path.read_text()).get("state", {})
            yield from words(step.apply(step.plan(state)))


NAMES = ("left_out", "host_names")
DECIDING = ("head_image", "head_ray_version")
UNUSED = {
    "ray_shared_export/elsewhere": ("export_options",),
    **{
        f"gpus_of_process/{n}": ("visible",)
        for n in ("all-counted", "no-gpu", "ray-counts-none", "stopped-on-purpose")
    },
    **{f"ray_source/{n}": ("url", "run") for n in ("absent", "another-commit", "same")},
}
"""Parameters that a sample sends nowhere: that host exports nothing; git here is given them."""


@EACH_SAMPLE
def test_odd_characters_are_not_lost(name: str) -> None:
    for odd, step in variants(SAMPLES[name]):
        sent = [*words(step.probe()), *planned(step)]
        # Texts that decide something here, and go to no host.
        fields = (*DECIDING, *UNUSED.get(name, ()))
        here = [str(getattr(step, field, "")) for field in fields]
        here += [word for field in NAMES for word in getattr(step, field, ())]
        shown = "\0".join([*sent, *here, *step.desired(), *step.desired().values()])
        assert odd in shown or json.dumps(odd)[1:-1] in shown, (odd, step)


STUB = r"""#!/bin/sh
printf '%s\0' "$@" >>"$LOG"
case $0 in *getent) [ "$1" = passwd ] && echo 'x:x:1:1::/:/bin/sh' ;; esac
exit 1
"""
STUBBED = (
    "apt-get",
    "bash",
    "docker",
    "dpkg-query",
    "getent",
    "rpm",
    "ss",
    "systemctl",
)


@EACH_SHELL
@EACH_SAMPLE
def test_a_look_neither_executes_nor_splits_a_parameter(
    name: str, shell: tuple[str, ...], tmp_path: Path
) -> None:
    tools = bare_tools(tmp_path / "bin")
    for tool in STUBBED:
        (tools / tool).write_text(STUB)
        (tools / tool).chmod(0o755)
    folder = tmp_path / "here"
    folder.mkdir()
    log = tmp_path / "log"
    log.touch()
    looks = {tuple(words(v.probe())): v.probe() for _, v in variants(SAMPLES[name])}
    for sh in list(looks.values())[:25]:
        subprocess.run(
            shell,
            input=f"set -u\n{sh.render()}\n".encode(),
            capture_output=True,
            env={"PATH": str(tools), "LOG": str(log)},
            cwd=folder,
            timeout=30,
            check=False,
        )
    assert list(folder.iterdir()) == []
    assert "it's" not in log.read_text().split("\0"), "a parameter fell apart"
