"""`groups:` in a playbook: how many hosts each group of the inventory must have."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config import inventory as inventories
from provision.config import playbook as playbooks
from provision.config.playbook import Bound
from provision.config.schema import schema
from provision.errors import InputError, InputErrors
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

BOOK = """\
- groups: {servers: some, clients: any, chief: one}
- play: all
  hosts: servers:clients:chief
  steps:
    - directory: {path: "/srv/{{ groups.chief[0].name }}"}
"""
HOSTS = """\
servers: {hosts: {a: , b: }}
clients:
chief: {hosts: {c: }}
"""


def bind(folder: Path, hosts: str, book: str = BOOK) -> Bound:
    (folder / "rack.yml").write_text(hosts)
    (folder / "book.yml").write_text(book)
    return playbooks.bind(
        playbooks.load(folder / "book.yml"),
        inventories.load(folder / "rack.yml"),
        secrets=Secrets(folder, SecretMode.READ, Credentials()),
    )


def refusal(folder: Path, hosts: str, book: str = BOOK) -> str:
    with pytest.raises(InputError) as caught:
        bind(folder, hosts, book)
    assert not isinstance(caught.value, InputErrors), "it is one error"
    return str(caught.value).replace(f"{folder}/", "")


def test_an_inventory_that_keeps_the_rules_is_bound(tmp_path: Path) -> None:
    bound = bind(tmp_path, HOSTS)
    assert bound.groups == ("servers", "clients", "chief")
    assert set(bound.plays[0].steps) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{c: }", "{c: , d: }", "rack.yml:3: chief: the group `chief` must have exactly one host; it has 2: c, d"),
        ("chief: {hosts: {c: }}", "chief:", "rack.yml:3: chief: the group `chief` must have exactly one host; it has none"),
        ("{hosts: {a: , b: }}", "", "rack.yml:1: servers: the group `servers` must have at least one host; it has none"),
        ("clients:", "clients: {hosts: {a: , c2: }}", "rack.yml:2: clients: a is in `servers` and in `clients`; a host has one role"),
        ("clients:", "clients: {hosts: {a: , b: }}", "a, b are in `servers` and in `clients`"),
        ("clients:\n", "", "the playbook needs the group `clients`; add the group to"),
        ("clients:\n", "", "rack.yml (it may be empty)"),
        ("chief:", "leader:", "the playbook needs the group `chief`; add the group to"),
        ("chief:", "leader:", "rack.yml (with exactly one host)"),
        ("chief:", "chef:", "the playbook needs the group `chief`; did you mean 'chef'?"),
    ],
)  # fmt: skip
def test_one_that_breaks_a_rule_is_one_error_at_the_line_of_the_group(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert problem in refusal(tmp_path, HOSTS.replace(old, new))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{servers: two}", "book.yml:1: plays[0].groups.servers: must be one, some or any, not 'two'"),
        ("{servers: 1}", "must be one, some or any, not 1"),
        ("{servers: [one]}", "must be one, some or any, not ['one']"),
        ("[servers]", "`groups` is a mapping, not ['servers']"),
        ("{servers: any}\n  tags: [x]", "`groups` stands alone"),
        ("{servers: any}\n- groups: {servers: one}", "book.yml:2: plays[1].groups.servers: is one here, but any in an earlier entry"),
        ("{servers: any}\n- import: more.yml", "more.yml:1: plays[0].groups.servers: is some here, but any"),
    ],
)  # fmt: skip
def test_an_entry_that_is_wrong_is_an_error_with_its_line(
    tmp_path: Path, entry: str, problem: str
) -> None:
    more = "- groups: {servers: some}\n" + BOOK.split("\n", 1)[1].replace(
        "all", "more", 1
    )
    (tmp_path / "more.yml").write_text(more)
    book = BOOK.replace("{servers: some, clients: any, chief: one}", entry)
    assert problem in refusal(tmp_path, HOSTS, book)


def test_rules_of_an_import_are_added_to_those_before(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("- groups: {chief: one, clients: any}\n")
    book = BOOK.replace(", clients: any, chief: one", "") + "- import: more.yml\n"
    assert bind(tmp_path, HOSTS, book).groups == ("servers", "chief", "clients")


def test_a_missing_head_is_one_error_of_the_shipped_deploy(tmp_path: Path) -> None:
    book = playbooks.find("deploy").resolve()
    refused = refusal(tmp_path, "workers: {hosts: {a: }}\n", f"- import: {book}\n")
    assert "the playbook needs the group `head`" in refused
    two = refusal(
        tmp_path, "head: {hosts: {a: , b: }}\nworkers:", f"- import: {book}\n"
    )
    assert two == (
        f"{tmp_path}/rack.yml:1: head: the group `head` must have exactly one host; "
        "it has 2: a, b"
    ).replace(f"{tmp_path}/", "")


def test_the_schema_knows_the_entry() -> None:
    entries = schema()["items"]["anyOf"]
    [rules] = [e["properties"]["groups"] for e in entries if "groups" in e["required"]]
    assert rules["additionalProperties"] == {"enum": ["one", "some", "any"]}
