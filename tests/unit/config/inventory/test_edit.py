"""Hosts that come into an inventory file, and go: the rest stays as it was, to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from provision.config.inventory import Inventory, load
from provision.config.inventory.edit import EditedFile, with_host, without_host
from provision.errors import InventoryError

BLOCK = """\
# The rack in the cellar.
all:
  vars: { cluster: rack }   # one
  children:
    head:
      hosts:
        node1:
    workers:
      vars:
        ray_num_cpus: 4
      hosts: # by their place
        # upper shelf
        node2: { address: 10.0.0.2 } # new fan
        node3:
          address: 10.0.0.3
          note: |
            two
            lines

        # lower shelf
        node4: {address: 10.0.0.4}

    gpus:
      hosts: { node3: , node4: {} }
"""
INI = """\
; The rack.
[head]
node1 ansible_host=10.0.0.1

[workers]
# upper shelf
node2 address=10.0.0.2  # new fan
node3:2222

[workers:vars]
ray_num_cpus=4

[gpus]
node3
"""


def file(folder: Path, text: str, name: str = "rack.yml") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def meaning(inventory: Inventory) -> dict[str, Any]:
    return {
        name: (set(host.groups), dict(host.vars))
        for name, host in inventory.hosts.items()
    }


def without(text: str, *numbers: int) -> str:
    """*text* without the lines with these numbers, the first is 1."""
    lines = text.splitlines(keepends=True)
    return "".join(line for n, line in enumerate(lines, 1) if n not in numbers)


def test_a_host_of_a_block_goes_with_its_lines_alone(tmp_path: Path) -> None:
    path = file(tmp_path, BLOCK)
    assert without_host([path], "node2").after == without(BLOCK, 13)
    of_3 = without(BLOCK, 14, 15, 16, 17, 18).replace("{ node3: , node4", "{ node4")
    assert without_host([path], "node3").after == of_3
    of_4 = without(BLOCK, 21).replace("{ node3: , node4: {} }", "{ node3: }")
    assert without_host([path], "node4").after == of_4


def test_a_host_comes_behind_the_last_of_its_group(tmp_path: Path) -> None:
    path = file(tmp_path, BLOCK)
    edited = with_host([path], "node5", ["workers", "gpus"], {"address": "10.0.0.5"})
    lines = BLOCK.splitlines(keepends=True)
    lines.insert(21, "        node5: { address: 10.0.0.5 }\n")
    wanted = "".join(lines).replace("node4: {} }", "node4: {}, node5: {} }")
    assert edited.after == wanted
    bare = with_host([path], "node5", ["workers"], {})
    lines[21] = "        node5:\n"
    assert bare.after == "".join(lines)


def test_lines_of_ini_come_and_go(tmp_path: Path) -> None:
    path = file(tmp_path, INI, "rack.ini")
    assert without_host([path], "node3").after == without(INI, 8, 14)
    edited = with_host(
        [path], "node5", ["workers"], {"address": "10.0.0.5", "note": "a b", "n": 4}
    )
    lines = INI.splitlines(keepends=True)
    lines.insert(8, "node5 address=10.0.0.5 note='a b' n=4\n")
    assert edited.after == "".join(lines)


def test_windows_line_ends_and_a_missing_last_one_stay(tmp_path: Path) -> None:
    text = "workers:\r\n  hosts:\r\n    node2:\r\n    node3:"
    path = file(tmp_path, text)
    assert with_host([path], "node4", ["workers"], {}).after == f"{text}\n    node4:"
    assert without_host([path], "node2").after == "workers:\r\n  hosts:\r\n    node3:"


def test_a_group_without_hosts_gets_its_first(tmp_path: Path) -> None:
    path = file(
        tmp_path, "head:\n  hosts:\n    node1:\nworkers:\n  hosts: # none yet\n"
    )
    edited = with_host([path], "node2", ["workers"], {})
    assert edited.after.endswith("  hosts: # none yet\n    node2:\n")


NO = "change the file yourself"


@pytest.mark.parametrize(
    ("name", "text", "host", "words"),
    [
        ("a.yml", "workers:\n  hosts:\n    node[1:3]:\n", "node2", "by its own name"),
        ("a.ini", "[workers]\nnode[1:3]\n", "node2", "by its own name"),
        (
            "a.yml",
            "workers:\n  hosts:\n    node1: &a { x: 1 }\n    node2: *a\n",
            "node1",
            "cannot be edited by line",
        ),
    ],
)
def test_what_cannot_be_edited_by_line_is_refused(
    tmp_path: Path, name: str, text: str, host: str, words: str
) -> None:
    path = file(tmp_path, text, name)
    with pytest.raises(InventoryError, match=words) as raised:
        without_host([path], host)
    assert NO in raised.value.hint
    assert path.read_text() == text


def test_groups_that_share_their_hosts_lose_one_together(tmp_path: Path) -> None:
    text = "workers:\n  hosts: &h\n    node1:\n    node2:\ngpus:\n  hosts: *h\n"
    edited = without_host([file(tmp_path, text)], "node1")
    assert edited.after == text.replace("    node1:\n", "")


def test_generated_inventories_are_refused(tmp_path: Path) -> None:
    program = file(tmp_path, "#!/bin/sh\necho '{}'\n", "made")
    program.chmod(0o755)
    with pytest.raises(InventoryError, match="is a program"):
        without_host([program], "node1")
    with pytest.raises(InventoryError, match="is a folder"):
        without_host([tmp_path], "node1")
    with pytest.raises(InventoryError, match="several files"):
        without_host([program, tmp_path], "node1")
    secret = file(tmp_path, "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "secret.yml")
    with pytest.raises(InventoryError, match="encrypted as a whole"):
        without_host([secret], "node1")
    with pytest.raises(InventoryError, match="has no `hosts:`"):
        with_host([file(tmp_path, "workers:\n", "w.yml")], "node1", ["workers"], {})
    with pytest.raises(InventoryError, match="no section"):
        with_host([file(tmp_path, "[head]\nnode1\n", "w.ini")], "n2", ["workers"], {})
    with pytest.raises(InventoryError, match="cannot be the name"):
        with_host([file(tmp_path, BLOCK)], "a b", ["workers"], {})


def test_a_file_that_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    path = file(tmp_path, BLOCK)
    edited = without_host([path], "node2")
    path.write_text(BLOCK + "# a line of a colleague\n")
    with pytest.raises(InventoryError, match="changed it meanwhile"):
        edited.write()
    assert path.read_text().endswith("colleague\n")


def test_a_write_keeps_rights_and_links_and_can_be_taken_back(tmp_path: Path) -> None:
    path, link = file(tmp_path, BLOCK), tmp_path / "link.yml"
    path.chmod(0o640)
    link.symlink_to(path)
    edited = without_host([link], "node2")
    edited.write()
    assert link.is_symlink() and path.read_text() == edited.after
    assert path.stat().st_mode & 0o777 == 0o640
    edited.put_back()
    assert path.read_text() == BLOCK
    assert {one.name for one in tmp_path.iterdir()} == {"link.yml", "rack.yml"}


def test_the_diff_shows_the_line(tmp_path: Path) -> None:
    lines = without_host([file(tmp_path, BLOCK)], "node2").diff()
    changed = [line for line in lines[2:] if line[0] in "+-"]
    assert changed == ["-        node2: { address: 10.0.0.2 } # new fan"]


VALUES = st.one_of(
    st.integers(0, 9), st.booleans(), st.text("ab :#'\"{}[],&*!%@", max_size=6)
)
VARS = st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2)
NAMES = st.sampled_from(["n2", "n3", "n4", "no", "12", "10.0.0.9"])
SPACE = st.sampled_from(["", "\n", "  # said\n", "# at the edge\n", "\n\n"])


@st.composite
def inventories(draw: st.DrawFn) -> str:
    """A file as a person may write it: blocks, braces, comments, empty lines."""
    flow, end = draw(st.booleans()), draw(st.sampled_from(["\n", "\r\n"]))
    text = "all:\n  children:\n    head:\n      hosts: {n1: }\n"
    for group in ("workers", "gpus"):
        names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=3))
        text += f"    {group}:\n"
        if flow and group == "gpus":
            words = [f"{_quoted(name)}: {{}}" for name in names]
            text += f"      hosts: {{{', '.join(words)}}} # in one line\n"
            continue
        text += "      hosts:\n"
        for name in names:
            its = draw(VARS) if group == "workers" else {}
            text += draw(SPACE)
            text += f"        {_quoted(name)}:{_value(its, flow=draw(st.booleans()))}\n"
    text += draw(SPACE)
    return text.replace("\n", end)


def _quoted(name: str) -> str:
    return f'"{name}"' if name in {"no", "12"} else name


def _value(its: dict[str, Any], *, flow: bool) -> str:
    if not its:
        return " # bare" if flow else ""
    if flow:
        return " " + yaml.safe_dump(its, default_flow_style=True, width=999).strip()
    lines = yaml.safe_dump(its, width=999).splitlines()
    return "\n" + "\n".join(f"          {line}" for line in lines)


def is_part(short: list[str], long: list[str]) -> bool:
    """True if *short* is *long* with some lines left out."""
    rest = iter(long)
    return all(line in rest for line in short)


@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(text=inventories(), its=VARS, data=st.data())
def test_an_edit_means_just_that_and_keeps_all_other_lines(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    its: dict[str, Any],
    data: st.DataObject,
) -> None:
    path = file(tmp_path_factory.mktemp("edit"), text)
    before = meaning(load(path))
    name = data.draw(st.sampled_from(sorted(set(before) - {"n1"})))
    gone = without_host([path], name)
    gone.write()
    assert meaning(load(path)) == {n: v for n, v in before.items() if n != name}
    _only_less(gone)
    gone.put_back()
    added = with_host([path], "new", ["workers"], its)
    added.write()
    after = meaning(load(path))
    assert after.pop("new") == ({"all", "workers"} & after_groups(after), its)
    assert after == before
    old, new = added.before.splitlines(), added.after.splitlines()
    assert len(new) == len(old) + 1 and is_part(old, new)


def after_groups(after: dict[str, Any]) -> set[str]:
    """All groups that some host of the file is in."""
    return {group for groups, _ in after.values() for group in groups} | {"workers"}


def _only_less(edited: EditedFile) -> None:
    """No line has come, but for those in braces, which became shorter."""
    old = edited.before.splitlines(keepends=True)
    new = edited.after.splitlines(keepends=True)
    plain = [line for line in new if "# in one line" not in line]
    assert is_part(plain, old)
