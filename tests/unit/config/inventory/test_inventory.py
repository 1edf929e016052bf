"""Ansible's YAML inventories as they are, and clear words about those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import inventory as inventories
from provision.config.inventory import Inventory
from provision.config.inventory.formats.ranges import expand
from provision.errors import InputError, InventoryError

CLUSTER = """\
all:
  vars: {ansible_user: admin, size: 1, tags: [a]}
  children:
    head:
      hosts:
        node1: {ansible_host: 10.0.0.1, size: 3}
    workers:
      vars: {size: 2}
      hosts:
        node[2:4]:
    racks:
      children:
        rack_a:
          vars: {row: 1}
          hosts: {node2: , node3: }
        rack_b: {hosts: {node4: }}
"""


def load(tmp_path: Path, text: str, name: str = "lab.yml") -> Inventory:
    (tmp_path / name).write_text(text)
    return inventories.load(tmp_path / name)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.fixture
def lab(tmp_path: Path) -> Inventory:
    return load(tmp_path, CLUSTER)


def test_hosts_and_groups_are_those_of_the_file(lab: Inventory) -> None:
    assert list(lab.hosts) == ["node1", "node2", "node3", "node4"]
    assert lab.groups["racks"] == ("node2", "node3", "node4")
    assert lab.groups["rack_a"] == ("node2", "node3")
    assert lab.groups["ungrouped"] == ()
    assert lab.hosts["node2"].groups == ("all", "racks", "workers", "rack_a")


def test_the_nearest_variable_wins(lab: Inventory) -> None:
    assert [host.vars["size"] for host in lab.hosts.values()] == [3, 2, 2, 2]
    assert lab.hosts["node3"].vars["row"] == 1
    assert lab.hosts["node4"].vars["ansible_user"] == "admin"


def test_the_cluster_is_called_like_the_file_unless_a_variable_says_otherwise(
    tmp_path: Path, lab: Inventory
) -> None:
    assert lab.cluster == "lab"
    named = load(tmp_path, "all: {vars: {cluster: prod}, hosts: {a: }}")
    assert named.cluster == "prod"


def test_a_host_knows_how_it_is_reached(tmp_path: Path) -> None:
    text = """\
all:
  hosts:
    a:
      ansible_host: 192.168.0.1
      ansible_port: 2201
      ansible_user: admin
      ansible_ssh_private_key_file: keys/id
      known_hosts: ../known_hosts
      ansible_password: pw
      ansible_become_password: 123
      ansible_ssh_common_args: "-o ProxyJump=jump.example"
      address: 10.0.0.1
    b:
    c: {ansible_connection: local, ansible_become: false}
"""
    a, b, c = load(tmp_path, text).hosts.values()
    assert (a.ssh_host, a.port, a.user, a.address) == (
        *("192.168.0.1", 2201, "admin"),
        "10.0.0.1",
    )
    assert a.key_file == tmp_path / "keys/id"
    assert a.known_hosts == (tmp_path / "../known_hosts",)
    assert a.password and a.password.get_secret_value() == "pw"
    assert a.become_password and a.become_password.get_secret_value() == "123"
    lines = ("Port 2201", 'User "admin"', "ProxyJump=jump.example")
    assert a.ssh_request.arguments == lines
    assert "pw" not in repr(a)
    assert (b.ssh_host, b.port, b.user, b.address) == ("b", None, None, "b")
    assert (c.connection, c.become, b.become) == ("local", False, True)


def test_a_port_may_stand_behind_the_name(tmp_path: Path) -> None:
    hosts = load(tmp_path, 'all: {hosts: {"a:2222": , "[fe80::1]:23": }}').hosts
    assert (hosts["a"].port, hosts["fe80::1"].port) == (2222, 23)


def test_files_of_variables_beside_the_inventory_are_read(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("one: 1\ntwo: 1\n")
    (tmp_path / "host_vars/node1").write_text("two: 2\n")
    lab = load(tmp_path, CLUSTER)
    assert (lab.hosts["node1"].vars["one"], lab.hosts["node1"].vars["two"]) == (1, 2)
    assert lab.hosts["node2"].vars["two"] == 1


def test_an_empty_group_of_workers_is_a_cluster_of_one(tmp_path: Path) -> None:
    lab = load(tmp_path, "head: {hosts: {a: }}\nworkers:\n")
    assert lab.groups["workers"] == ()


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("all", "1234"),
        ("*", "1234"),
        ("workers:!node3", "24"),
        ("head:workers", "1234"),
        ("head,node4", "14"),
        ("workers:&rack_a", "23"),
        ("all:!racks", "1"),
        ("!head", "234"),
        ("node[12]", "12"),
        ("rack_*", "234"),
        ("node4:node1", "14"),
    ],
)
def test_patterns_choose_hosts_in_the_order_of_the_file(
    lab: Inventory, pattern: str, chosen: str
) -> None:
    assert lab.select(pattern) == [f"node{number}" for number in chosen]


@pytest.mark.parametrize("pattern", ["worker", "node9", "x*", "all:!nod3", " : "])
def test_a_pattern_that_names_nothing_is_an_error(lab: Inventory, pattern: str) -> None:
    with pytest.raises(InventoryError):
        lab.select(pattern)
    with pytest.raises(InventoryError, match="did you mean 'workers'"):
        lab.select("worker")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("node", ["node"]),
        ("node[1:3]", ["node1", "node2", "node3"]),
        ("node[08:10]", ["node08", "node09", "node10"]),
        ("n[0:6:3]", ["n0", "n3", "n6"]),
        ("r[a:b]-[1:2].x", ["ra-1.x", "ra-2.x", "rb-1.x", "rb-2.x"]),
    ],
)
def test_ranges_stand_for_many_hosts(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    "text",
    ["n[1]", "n[3:1]", "n[a:3]", "n[01:100]", "n[1:9:0]", "n[0:99999999]", "n[:]"],
)
def test_a_range_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        expand(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no host in it"),
        ("[a, b]", "an inventory is a mapping of groups"),
        ("plugin: aws", "inventory plugin"),
        ("all: {host: {a: }}", "lab.yml:1: all.host: unknown key of a group; did you mean 'hosts'?"),
        ("all: {hosts: {a: }, head: {}}", "groups stand beside `all`"),
        ("all: {hosts: [a, b]}", "must be a mapping, not ['a', 'b']; one entry a line"),
        ("all:\n  hosts:\n    a:\n    a:\n", "lab.yml:4: 'a' is there twice"),
        ("all: {hosts: {'a[3:1]': }}", "ends before it begins"),
        ("all: {hosts: {'a b': }}", "cannot be the name of a host"),
        ("'a b': {hosts: {x: }}", "cannot be the name of a group"),
        ("a: {children: {b: }}\nb: {children: {a: }}", "contain each other: a -> b -> a"),
        ("all: {hosts: }", "there is no host in it"),
        ("all:\n  vars: {lock_host: x}\n  hosts: {a: }", "lab.yml:2: all.vars.lock_host: no host is called 'x'"),
        ("all: {hosts: {a: {lock_host: a}, b: {lock_host: b}}}", "one inventory has one lock host, not a, b; set `lock_host` for `all`"),
        ("all: {hosts: {a: {ansible_port: 99999}}}", "99999 is not a port"),
        ("all: {hosts: {a: {ansible_port: ssh}}}", "'ssh' is not a port"),
        ("all: {hosts: {a: {ansible_connection: docker}}}", "unknown connection"),
        ("all: {hosts: {a: {ansible_become_user: bob}}}", "cannot become 'bob'"),
        ("all: {hosts: {a: {ansible_become_method: su}}}", "only sudo"),
        ("all: {hosts: {a: {ansible_host: '{{ x }}'}}}", "all.hosts.a.ansible_host: undefined variable 'x'"),
        ("all: {vars: {ansible_host_key_checking: false}, hosts: {a: }}", "always checked"),
        ("all: {hosts: {a: {ansible_ssh_common_args: '-o StrictHostKeyChecking=no'}}}", "host keys are always checked"),
        ("all: {hosts: {a: {ansible_ssh_common_args: '-W x:1'}}}", "'-W' is not honoured"),
        ("all: {hosts: {a: {host_key: abc}}}", "is no public key"),
        ("all: {hosts: {a: {cluster: x}, b: {cluster: y}}}", "one inventory is one cluster"),
        ("all: {vars: {cluster: 'a b'}, hosts: {a: }}", "cannot be the name of a cluster"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(tmp_path, text)


def test_an_error_names_the_line_of_the_variable(tmp_path: Path) -> None:
    text = "all:\n  vars:\n    ansible_port: 0\n  hosts:\n    a:\n"
    assert refusal(tmp_path, text).startswith("lab.yml:3: all.vars.ansible_port: ")


def test_all_errors_are_shown_at_once(tmp_path: Path) -> None:
    text = "all:\n  hosts:\n    a: {ansible_port: 0}\n    b: {ansible_port: x}\n"
    assert len(refusal(tmp_path, text).splitlines()) == 2


def test_groups_that_only_the_alphabet_settles_are_one_warning(tmp_path: Path) -> None:
    text = "h: {{vars: {{x: 1, y: 1}}, hosts: {{{0}}}}}\ng: {{vars: {{x: 2, y: 2}}, hosts: {{{0}}}}}"
    tied = load(tmp_path, text.format("a: , b: "))
    assert tied.warnings == (
        "the groups 'g' and 'h' disagree about x, y, and 'h' wins by the alphabet; "
        "ansible_group_priority decides it",
    )
    settled = load(tmp_path, text.format("a: {x: 3, y: 3}"))
    assert settled.warnings == ()


def test_files_of_no_group_and_no_host_are_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("group_vars/wokers.yml", "host_vars/node33", "host_vars/node1.yml",
                 "group_vars/all/x.yml", "group_vars/all.yml", "group_vars/README.md"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert load(tmp_path, CLUSTER).warnings == (
        "files of variables for no group and no host: group_vars/all.yml, "
        "group_vars/wokers.yml, host_vars/node33",
    )


def test_a_host_that_is_a_group_as_well_is_a_warning(tmp_path: Path) -> None:
    found = load(tmp_path, "head: {hosts: {head: {x: 1}, b: }}")
    assert found.hosts["b"].vars["x"] == 1
    (warning,) = found.warnings
    assert (
        "'head' is a host and a group; its variables are those of the group" in warning
    )


def test_priority_settles_a_tie_of_groups(tmp_path: Path) -> None:
    text = (
        "g: {vars: {x: 1, ansible_group_priority: 5}, hosts: {a: }}\n"
        "h: {vars: {x: 2}, hosts: {a: }}\n"
    )
    assert load(tmp_path, text).hosts["a"].vars["x"] == 1


def test_an_inventory_is_found_by_path_or_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories/lab.yml").touch()
    assert inventories.find("lab.yml") == Path("inventories/lab.yml")
    assert inventories.find("lab") == Path("inventories/lab.yml")
    assert inventories.find("inventories/lab.yml") == Path("inventories/lab.yml")
    with pytest.raises(InventoryError, match=r"did you mean 'lab\.yml'"):
        inventories.find("lap.yml")


def test_an_inventory_can_be_made_in_python() -> None:
    data: dict[str, Any] = {"all": {"hosts": {"a": {"ansible_host": "h"}}}}
    made = Inventory.parse(data, cluster="mine")
    assert (made.cluster, made.hosts["a"].ssh_host, made.path) == ("mine", "h", None)


def test_known_hosts_lie_beside_the_inventory_unless_it_names_others(
    tmp_path: Path,
) -> None:
    (tmp_path / "inv.yml").write_text("all: {hosts: {a: }}")
    host = inventories.load(tmp_path / "inv.yml").hosts["a"]
    assert host.known_hosts == (tmp_path / "known_hosts",)
    assert host.inventory == (str(tmp_path / "inv.yml"),)
    assert Inventory.parse({"all": {"hosts": {"a": None}}}).hosts["a"].inventory == ()


@pytest.mark.parametrize(
    ("text", "groups", "host"),
    [
        ("all: {hosts: {a: , b: }}", (), "a"),
        ("all: {hosts: {a: }}\nstores: {hosts: {b: }}", (), "a"),
        ("all: {hosts: {a: }}\nstores: {hosts: {b: }}", ("stores",), "b"),
        ("all: {hosts: {a: }}\nstores:\ndesks: {hosts: {b: }}", ("stores", "desks"), "b"),
        ("all: {hosts: {a: }}", ("stores",), "a"),
        ("all: {hosts: {a: , b: , c: }, vars: {lock_host: c}}", (), "c"),
        ("g: {hosts: {a: , b: {lock_host: b}}}", ("g",), "b"),
    ],
)  # fmt: skip
def test_the_lock_is_on_the_host_that_inventory_or_playbook_name(
    tmp_path: Path, text: str, groups: tuple[str, ...], host: str
) -> None:
    assert load(tmp_path, text).lock_host(groups).name == host
