"""Packages that a deploy brought, taken away where rpm is: a stand-in with rpm's words and a
database of files. With it goes what came along and nothing needs then."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import NOT_BUSYBOX, bare_tools, run_bare

from provision.steps.packages.absent.packages_absent import PackagesAbsent

Shell = tuple[str, ...]
RPM = r"""#!/bin/sh
cd {db} || exit 2
provider() {{ [ ! -e "$1" ] || echo "$1"; }}
# Prints who of the rest needs one of "$@".
needed() {{
    for one in *; do
        case " $* " in *" $one "*) continue ;; esac
        while read -r what _; do
            case " $* " in *" $what "*)
                printf '\t%s is needed by (installed) %s\n' "$what" "$one" ;;
            esac
        done <"$one"
    done
}}
case "$*" in
'-e --test -- '*) shift 3 ;;
'-e -- '*) shift 2; removes=1 ;;
'-q --requires -- '*) shift 3; cat "$@"; exit ;;
'-q --recommends -- '*) exit ;;
*--whatprovides*)
    shift 5
    for one; do
        [ -e "$one" ] && echo "$one" || echo "no package provides $one"
    done
    exit ;;
'-q --qf'*) shift 4; echo "${{1%-1-1.x86_64}}"; exit ;;
'-q -- '*) [ -e "$3" ]; exit ;;
*) echo "unknown words: $*" >&2; exit 2 ;;
esac
why=$(needed "$@" | sed 's/$/-1-1.x86_64/')
[ -z "$why" ] || {{ printf 'error: Failed dependencies:\n%s\n' "$why" >&2; exit 1; }}
[ -z "${{removes:-}}" ] || rm "$@"
"""
TOOLKIT = {
    "nvidia-container-toolkit": "libnvidia-container-tools >= 1.17\nbase\n/bin/sh\n",
    "base": "libc.so.6(GLIBC_2.17)(64bit)\n",
    "libnvidia-container-tools": "libnvidia-container1 = 1.17\nrpmlib(X) <= 4\n",
    "libnvidia-container1": "libseccomp\n",
    "libseccomp": "",
    "bash": "",
}
"""The packages that each package requires, as NVIDIA's do."""
STEP = PackagesAbsent(names=["nvidia-container-toolkit"], only_brought=True)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder, db = bare_tools(tmp_path / "bin"), tmp_path / "db"
    db.mkdir()
    for name, requires in TOOLKIT.items():
        (db / name).write_text(requires)
    (folder / "rpm").write_text(RPM.format(db=db))
    (folder / "rpm").chmod(0o755)
    note(tmp_path, *(name for name in TOOLKIT if name not in {"libseccomp", "bash"}))
    return folder


def note(folder: Path, *names: str) -> None:
    """Note the packages *names* as brought by a deploy."""
    (folder / "manifest").mkdir(exist_ok=True)
    lines = "".join(f"absent package:{name}\n" for name in names)
    (folder / "manifest/manifest").write_text(lines)


def going(shell: Shell, tools: Path) -> set[str]:
    reply = run_bare(shell, STEP.probe(), tools)
    assert (reply.exit, reply.stderr) == (0, "")
    return {change.field for change in STEP.plan(STEP.observe(reply))}


OURS = set(TOOLKIT) - {"libseccomp", "bash"}


@NOT_BUSYBOX
def test_what_came_with_it_goes_with_it(
    shell: Shell, tools: Path, tmp_path: Path
) -> None:
    reply = run_bare(shell, STEP.probe(), tools)
    changes = STEP.plan(STEP.observe(reply))
    assert {change.field for change in changes} == OURS
    assert run_bare(shell, STEP.apply(changes), tools).exit == 0
    assert {path.name for path in (tmp_path / "db").iterdir()} == {"libseccomp", "bash"}
    assert going(shell, tools) == set()


@NOT_BUSYBOX
def test_what_somebody_else_needs_stays(
    shell: Shell, tools: Path, tmp_path: Path
) -> None:
    (tmp_path / "db/podman").write_text("libnvidia-container1\n")
    assert going(shell, tools) == OURS - {"libnvidia-container1"}
    (tmp_path / "db/podman").write_text("nvidia-container-toolkit\n")
    reply = run_bare(shell, STEP.probe(), tools)
    state = STEP.observe(reply)
    assert STEP.plan(state) == []
    assert list(STEP.remarks(state)) == [
        "the packages nvidia-container-toolkit stay: podman needs them"
    ]


@NOT_BUSYBOX
def test_what_was_there_before_stays(shell: Shell, tools: Path, tmp_path: Path) -> None:
    note(tmp_path, "nvidia-container-toolkit", "libnvidia-container1")
    assert going(shell, tools) == {"nvidia-container-toolkit"}
    note(tmp_path, "nvidia-container-toolkit", "base")
    assert going(shell, tools) == {"nvidia-container-toolkit", "base"}
