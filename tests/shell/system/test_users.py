"""The host decides if a user is to be made or changed; its tools are stubs that keep a log.

What the real ones do is a lab test.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX, bare_tools, run_bare

from provision.model.shell import Reply
from provision.steps.system.users import User, UserAbsent

Shell = tuple[str, ...]
GETENT = r"""#!/bin/sh
database=$1
shift
found=2
for key; do
    while read -r line; do
        case $line in "$key":* | *:"$key":*) printf '%s\n' "$line"; found=0 ;; esac
    done <"${0%/*}/$database"
done
exit $found
"""
ID = "#!/bin/sh\necho staff adm video\n"
LOG = '#!/bin/sh\necho "${0##*/} $*" >>"${0%/*}/log"\n'
OPS = "ops:x:2000:2000::/home/ops:/bin/bash\n"


class Host:
    """A host with *users* and *groups*, as lines of their files."""

    def __init__(self, tools: Path, users: str = "", groups: str = "") -> None:
        self.tools = tools
        for name, text in {"passwd": users, "group": groups}.items():
            (tools / name).write_text(text)

    def probe(self, shell: Shell, step: User | UserAbsent) -> Reply:
        return run_bare(shell, step.probe(), self.tools)

    def calls(self, shell: Shell, step: User | UserAbsent) -> Sequence[str]:
        """Apply what *step* wants to change; the calls that change something."""
        (self.tools / "log").write_text("")
        changes = step.plan(step.observe(self.probe(shell, step)))
        done = run_bare(shell, step.apply(changes), self.tools)
        assert done.exit == 0, done.stderr
        return (self.tools / "log").read_text().splitlines()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = bare_tools(tmp_path / "bin")
    (folder / "id").unlink()
    stubs = dict.fromkeys(("useradd", "usermod", "userdel", "groupadd"), LOG)
    for name, text in {**stubs, "getent": GETENT, "id": ID}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def ops(**more: Any) -> User:
    return User(**{"name": "ops", "uid": 2000, "shell": "/bin/zsh", **more})


@EACH_SHELL
def test_one_who_is_missing_is_made(shell: Shell, tools: Path) -> None:
    assert Host(tools).calls(shell, ops()) == [
        "groupadd -- ops",
        "useradd --no-create-home -u 2000 -s /bin/zsh -g ops -- ops",
    ]


@EACH_SHELL
def test_one_who_is_there_is_changed(shell: Shell, tools: Path) -> None:
    host = Host(tools, OPS, "ops:x:2000:\n")
    assert host.calls(shell, ops()) == ["usermod -u 2000 -s /bin/zsh -g ops -- ops"]


@EACH_SHELL
def test_only_a_new_user_gets_a_home(shell: Shell, tools: Path) -> None:
    step = ops(home="/srv/ops")
    [_, made] = Host(tools).calls(shell, step)
    assert "--create-home -u 2000 -d /srv/ops" in made
    [changed] = Host(tools, OPS, "ops:x:2000:\n").calls(shell, step)
    assert "create-home" not in changed


@EACH_SHELL
def test_a_system_user_gets_a_system_group(shell: Shell, tools: Path) -> None:
    group, user = Host(tools).calls(shell, ops(system=True))
    assert group == "groupadd --system -- ops"
    assert user.startswith("useradd --system ")


@EACH_SHELL
def test_a_group_that_is_there_is_not_made(shell: Shell, tools: Path) -> None:
    host = Host(tools, "", "staff:x:50:\n")
    assert [call.split()[0] for call in host.calls(shell, ops(group="staff"))] == [
        "useradd"
    ]


@EACH_SHELL
def test_more_groups_are_added_and_none_is_taken_away(
    shell: Shell, tools: Path
) -> None:
    host = Host(tools, OPS, "ops:x:2000:\n")
    calls = host.calls(shell, ops(groups=["adm", "docker"]))
    assert calls[-1] == "usermod -a -G adm,docker -- ops"


@NOT_BUSYBOX  # its id is its own
def test_a_user_is_seen_with_the_name_of_the_group(shell: Shell, tools: Path) -> None:
    host = Host(tools, OPS.replace(":2000::", ":50::"), "staff:x:50:\n")
    step = ops(groups=["adm"])
    assert step.observe(host.probe(shell, step)) == {
        "uid": "2000",
        "group": "staff",
        "home": "/home/ops",
        "shell": "/bin/bash",
        "in.adm": "true",
        "in.video": "true",
    }


@EACH_SHELL
@pytest.mark.parametrize(
    ("owner", "seen"),
    [(0, "0:root"), (1, "1:daemon"), (4711, "4711:UNKNOWN")],
)
def test_a_home_that_belongs_to_somebody_else_is_seen(
    shell: Shell, tools: Path, owner: int, seen: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    home = tools / "home"
    home.mkdir()
    os.chown(home, owner, owner)
    host = Host(tools, OPS.replace("/home/ops", str(home)), "ops:x:2000:\n")
    step = ops(home=str(home))
    assert step.observe(host.probe(shell, step)).get("home_owner") == seen
    (tools / "passwd").write_text("")
    new = Host(tools, "", "")
    assert step.observe(new.probe(shell, step)) == {"home_owner": seen}


@EACH_SHELL
def test_one_who_should_go_is_removed(shell: Shell, tools: Path) -> None:
    host = Host(tools, OPS, "ops:x:2000:\n")
    assert host.calls(shell, UserAbsent(name="ops")) == ["userdel -- ops"]
