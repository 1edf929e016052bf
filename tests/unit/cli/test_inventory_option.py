"""The option --inventory: files, folders and programs, one or several, remembered."""

from __future__ import annotations

import os
from pathlib import Path

from place import Place

# The lock of a cluster is this machine's: tests that run at once need one each.
PROD, RACK = f"prod{os.getpid()}", f"rack{os.getpid()}"
BOOK = ("--playbook", "book.yml")
PROGRAM = """\
#!/bin/sh
echo run >> runs
cat <<'END'
{"nodes": {"hosts": ["here"], "vars": {"ansible_connection": "local"}}, "_meta": {"hostvars": {}}}
END
"""


def write(here: Place, files: dict[str, str]) -> None:
    steps = f"[{{directory: {{path: {here.folder}/made}}}}]"
    (here.folder / "book.yml").write_text(
        f"- {{play: p, hosts: all, steps: {steps}}}\n"
    )
    for name, text in files.items():
        path = here.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)


def test_a_program_runs_once_for_all_commands_of_a_line(here: Place) -> None:
    write(here, {f"{PROD}.sh": PROGRAM})
    where = ("--inventory", f"{PROD}.sh", *BOOK)
    code, output = here("deploy", *where, "verify", *where, "plan", *where)
    assert code == 0, output
    assert (here.folder / "runs").read_text() == "run\n"
    assert f"apply {PROD}: 1 host" in output


def test_several_inventories_are_the_cluster_of_the_first(here: Place) -> None:
    files = {
        f"one/{RACK}.ini": "[nodes]\nhere\n",
        "two/more.yml": "nodes: {vars: {ansible_connection: local}, hosts: {there: }}\n",
    }
    write(here, files)
    both = ("--inventory", f"one/{RACK}.ini", "-i", "two/more.yml")
    code, output = here("deploy", *both, *BOOK, "--limit", "here")
    assert code == 0, output
    assert f"apply {RACK}: 1 host" in output
    code, output = here("deploy", *both, *BOOK)
    assert (code, f"apply {RACK}: 2 hosts" in output) == (0, True), output
    assert not (here.folder / "two/.provision").exists()
    code, output = here("verify", *BOOK)
    assert code == 0, output
    assert f"inventory: one/{RACK}.ini, two/more.yml (deployed last)" in output


def test_a_line_to_type_names_all_of_them(here: Place) -> None:
    write(here, {"a.ini": "[nodes]\nhere ansible_connection=local\n", "b.ini": "[x]\n"})
    code, output = here("plan", "-i", "a.ini", "-i", "b.ini", *BOOK)
    assert code == 3, output
    assert "`invoke deploy --inventory a.ini --inventory b.ini --playbook" in output


def test_a_folder_is_a_cluster_with_its_state_beside_it(here: Place) -> None:
    files = {
        f"inventories/{PROD}/hosts": "[nodes]\nhere\n",
        f"inventories/{PROD}/group_vars/nodes.yml": "ansible_connection: local\n",
    }
    write(here, files)
    code, output = here("deploy", "-i", PROD, *BOOK)
    assert (code, f"apply {PROD}: 1 host" in output) == (0, True), output
    again = here("verify", *BOOK)
    assert (again[0], f"inventories/{PROD} (deployed last)" in again[1]) == (0, True)
    found = {path.name for path in (here.folder / f"inventories/{PROD}").iterdir()}
    assert found == {"hosts", "group_vars"}


def test_a_link_counts_where_it_is(here: Place) -> None:
    write(here, {
        "common/hosts.yml": "nodes: {hosts: {here: }}\n",
        "common/group_vars/all.yml": "ansible_connection: docker\n",
        "prod/group_vars/all.yml": "ansible_connection: local\n",
    })  # fmt: skip
    (here.folder / f"prod/{PROD}.yml").symlink_to(Path("../common/hosts.yml"))
    code, output = here("deploy", "-i", f"prod/{PROD}.yml", *BOOK)
    assert code == 0, output
    code, output = here("plan", "-i", "common/hosts.yml", *BOOK)
    assert code == 5, output
    assert "common/group_vars/all.yml:1: ansible_connection: unknown" in output


def test_what_is_no_inventory_is_one_line(here: Place) -> None:
    write(here, {"empty/notes.txt": "x", "hosts.ini": "[web]\na b\n"})
    for name, said in {
        "none": "there is no inventory 'none', here or in inventories/",
        "a,b": "there is no inventory 'a,b', here or in inventories/; hosts are not listed",
        "empty": "empty: no file in it is an inventory",
        "/dev/null": "/dev/null: is neither file nor folder",
        "hosts.ini": "hosts.ini:2: behind a host stands name=value, not 'b'",
    }.items():
        code, output = here("plan", "-i", name, *BOOK)
        assert (code, output.startswith(f"error: {said}")) == (5, True), output
        assert output.count("\n") == 1
