"""Variables of the connection: as written, under each name, rendered for each host."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config import inventory as inventories
from provision.config.inventory import Host, Inventory
from provision.errors import InputError
from provision.secrets.credentials import Credentials
from provision.secrets.vault import encrypt


def load(folder: Path, text: str, name: str = "lab.yml") -> Inventory:
    (folder / name).write_text(text)
    return inventories.load(folder / name)


def host(folder: Path, variables: str, more: str = "") -> Host:
    """The only host, which has *variables*."""
    return load(folder, f"all: {{hosts: {{a: {{{variables}}}}}}}\n{more}").hosts["a"]


def refusal(folder: Path, text: str, name: str = "lab.yml") -> str:
    with pytest.raises(InputError) as caught:
        load(folder, text, name)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    "written",
    ["0123", "0x1F", "1_000", "1.10", "12:30", "1.0e+3", "yes", "No", "true", "2026-01-02", "0o7", ".5", "=", "1e3"],
)  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [
        "all: {{hosts: {{a: {{ansible_password: {0}, ansible_user: {0}, ansible_host: {0}}}}}}}",
        "[all]\na ansible_password={0} ansible_user={0} ansible_host={0}",
        "[all]\na\n[all:vars]\nansible_password={0}\nansible_user = {0}\nansible_host={0}",
    ],
)
def test_texts_are_what_was_written(tmp_path: Path, written: str, text: str) -> None:
    name = "hosts" if text.startswith("[") else "lab.yml"
    found = load(tmp_path, text.format(written), name).hosts["a"]
    assert found.password
    read = (found.password.get_secret_value(), found.user, found.ssh_host)
    assert read == (written, written, written)


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_null_is_as_if_it_was_not_given(tmp_path: Path, nothing: str) -> None:
    found = host(tmp_path, f"ansible_password: {nothing}, ansible_host: {nothing}")
    assert (found.password, found.ssh_host) == (None, "a")


def test_quotes_of_ini_are_no_part_of_a_value(tmp_path: Path) -> None:
    text = "[all]\na ansible_password=\"'0 1'\" ansible_user='\"x\"'"
    found = load(tmp_path, text, "hosts").hosts["a"]
    assert (found.password and found.password.get_secret_value()) == "0 1"
    assert found.user == "x"


def test_older_names_mean_the_same_and_win(tmp_path: Path) -> None:
    found = host(
        tmp_path,
        "ansible_ssh_host: h, ansible_ssh_port: 22, ansible_ssh_user: u, "
        "ansible_ssh_pass: p, ansible_sudo_pass: s, ansible_host: x, ansible_port: 23",
    )
    assert (found.ssh_host, found.port, found.user) == ("h", 22, "u")
    assert found.password and found.password.get_secret_value() == "p"
    assert found.become_password and found.become_password.get_secret_value() == "s"
    assert found.settings(["ansible_host", "ansible_port"]) == {
        "ansible_host": "h",
        "ansible_port": 22,
    }


@pytest.mark.parametrize("word", ["1", "yes", "'yes'", "on", "True", "'true'", "y"])
def test_become_may_be_said_in_all_words_of_ansible(tmp_path: Path, word: str) -> None:
    assert host(tmp_path, f"ansible_become: {word}").become


@pytest.mark.parametrize("word", ["0", "no", "'no'", "off", "False", "'f'"])
def test_become_may_be_forbidden_in_all_of_them(tmp_path: Path, word: str) -> None:
    assert not host(tmp_path, f"ansible_become: {word}").become


@pytest.mark.parametrize(
    ("word", "connection"),
    [
        ("smart", "ssh"),
        ("ansible.builtin.ssh", "ssh"),
        ("ansible.builtin.local", "local"),
    ],
)
def test_connections_have_several_names(
    tmp_path: Path, word: str, connection: str
) -> None:
    assert host(tmp_path, f"ansible_connection: {word}").connection == connection


def test_templates_are_rendered_for_each_host(tmp_path: Path) -> None:
    text = """\
all:
  vars:
    domain: example.com
    ansible_host: "{{ inventory_hostname }}.{{ domain }}"
    ansible_user: "{{ users[group_names[0]] }}"
    ansible_port: "{{ ports | default(22) }}"
    users: {web: www, db: dba}
    ansible_ssh_private_key_file: "{{ nothing | default(omit) }}"
web: {hosts: {a: {ports: 2201}}}
db: {hosts: {b: {ansible_host: "{{ hostvars['a'].ansible_host }}", ansible_port: "{{ hostvars.a.ports + 1 }}"}}}
"""
    a, b = load(tmp_path, text).hosts.values()
    assert (a.ssh_host, a.user, a.port) == ("a.example.com", "www", 2201)
    assert (b.ssh_host, b.user, b.port) == ("a.example.com", "dba", 2202)
    assert (a.key_file, a.vars["ansible_port"]) == (None, "{{ ports | default(22) }}")


def test_the_password_of_sudo_may_come_from_an_encrypted_variable(
    tmp_path: Path,
) -> None:
    block = encrypt("sesame", b"key").replace("\n", "\n    ")
    text = (
        f"all:\n  vars:\n   ansible_become_password: '{{{{ vault_sudo }}}}'\n"
        f"   ansible_password: 'x{{{{ vault_sudo }}}}'\n"
        f"   ansible_host: '{{{{ vault_sudo }}}}.lan'\n"
        f"   vault_sudo: !vault |\n    {block}\n  hosts: {{a: }}\n"
    )
    (tmp_path / "lab.yml").write_text(text)
    credentials = Credentials(vault_password="key")
    found = inventories.load(tmp_path / "lab.yml", credentials).hosts["a"]
    assert found.become_password
    assert found.become_password.get_secret_value() == "sesame"
    assert found.password and found.password.get_secret_value() == "xsesame"
    assert found.ssh_host == "sesame.lan"
    assert {"sesame", "xsesame"} <= {*found.secrets}
    assert "sesame" not in repr(found)


def test_environment_variables_can_be_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_USER", "me")
    found = host(tmp_path, "ansible_user: \"{{ lookup('env', 'LAB_USER') }}\"")
    assert found.user == "me"


def test_what_is_marked_as_unsafe_is_no_template(tmp_path: Path) -> None:
    found = host(tmp_path, 'ansible_password: !unsafe "{{ x }}"')
    assert found.password and found.password.get_secret_value() == "{{ x }}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("all: {vars: {ansible_user: '{{ u }}'}, hosts: {a: , b: , c: }}", "lab.yml:1: all.vars.ansible_user: undefined variable 'u'"),
        ("all: {hosts: {a: {ansible_user: \"{{ lookup('file', 'x') }}\"}}}", "lab.yml:1: all.hosts.a.ansible_user: the lookup 'file' is not there; only `env` is"),
        ("all: {hosts: {a: {ansible_user: '{{ ansible_user }}'}}}", "lab.yml:1: all.hosts.a.ansible_user: variables refer to each other: ansible_user -> ansible_user"),
        ("all: {hosts: {a: {ansible_host: \"{{ hostvars['b'].ansible_host }}\"}, b: {ansible_host: \"{{ hostvars['a'].ansible_host }}\"}}}", "refer to each other"),
        ("all: {hosts: {a: {ansible_port: '{{ 1 / 0 }}'}}}", "cannot be rendered"),
        ("all: {hosts: {a: {ansible_port: '{{'}}}", "lab.yml:1: all.hosts.a.ansible_port"),
        ("all: {hosts: {a: {ansible_port: 022}}}", "022 is not a port"),
        ("all: {hosts: {a: {ansible_port: 22.5}}}", "22.5 is not a port"),
        ("all: {hosts: {a: {ansible_user: [root]}}}", "must be text, not ['root']; quote it"),
        ("all: {hosts: {a: {ansible_become_flags: -i -u x}}}", "options of sudo are not passed on"),
        ("all: {hosts: {a: {ansible_become_exe: /bin/su}}}", "only sudo"),
        ("all: {hosts: {a: {ansible_become: maybe}}}", "must be true or false, not 'maybe'"),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_one_line_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    found = refusal(tmp_path, text)
    assert said in found
    assert len(found) < 300


def test_a_value_of_group_vars_is_reported_there_and_once(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("x: 1\nansible_port: high\n")
    hosts = ", ".join(f"h{number}: " for number in range(30))
    said = refusal(tmp_path, f"all: {{hosts: {{{hosts}}}}}")
    assert (
        said == "group_vars/all.yml:2: ansible_port: 'high' is not a port; 1 to 65535"
    )


def test_own_variables_are_passed_on_and_near_misses_are_one_warning(
    tmp_path: Path,
) -> None:
    text = (
        "all: {hosts: {a: {ansible_nas_hostname: n, ansible_hots: h}, "
        "b: {ansible_hots: i, ansible_network_os: ios}}}"
    )
    found = load(tmp_path, text)
    assert found.hosts["a"].vars["ansible_nas_hostname"] == "n"
    (warning,) = found.warnings
    assert "'ansible_hots' is not known here; did you mean 'ansible_host'?" in warning
