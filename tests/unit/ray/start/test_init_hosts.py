"""The hosts that a person names to `init`, and the head that is proposed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.printed.in_folder import run

from provision.errors import InputError, InputErrors, OptionError
from provision.ray.doctor.look.facts import Facts
from provision.ray.start.hosts import NewHost, read_hosts
from provision.ray.start.inventory_text import inventory_text
from provision.ray.start.proposal import Proposal, ProposedHost


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("admin@10.0.0.1", NewHost("admin", "10.0.0.1", 0)),
        ("10.0.0.1:2201", NewHost("", "10.0.0.1", 2201)),
        ("a.b-c_d@node-1.lab", NewHost("a.b-c_d", "node-1.lab", 0)),
        ("root@[fe80::1%eth0]:22", NewHost("root", "fe80::1%eth0", 22)),
    ],
)
def test_forms_of_a_host(word: str, host: NewHost) -> None:
    assert read_hosts([word]) == [host]


def test_no_hosts() -> None:
    with pytest.raises(OptionError, match="no hosts were given") as caught:
        read_hosts([])
    assert "admin@10.0.0.1" in caught.value.hint


@pytest.mark.parametrize(
    "word",
    [
        "admin@",
        "@10.0.0.1",
        "10.0.0.1:",
        "10.0.0.1:66000",
        "a b@c",
        "-oProxyCommand=id",
        "x@-h",
        "$(id)",
        "",
    ],
)
def test_what_is_no_host(word: str) -> None:
    with pytest.raises(OptionError, match="is no host") as caught:
        read_hosts([word])
    assert "user@address" in caught.value.hint


def test_a_host_given_twice_is_told_once_with_all_else_that_is_wrong() -> None:
    with pytest.raises(OptionError, match=r"the host 10\.0\.0\.1 is given twice"):
        read_hosts(["10.0.0.1", "admin@10.0.0.1", "root@10.0.0.1"])
    with pytest.raises(InputErrors) as caught:
        read_hosts(["10.0.0.1", "?", "10.0.0.1"])
    assert [error.message for error in caught.value.errors] == [
        "'?' is no host",
        "the host 10.0.0.1 is given twice",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--add", "a@10.0.0.1,b@10.0.0.1"], "the host 10.0.0.1 is given twice"),
        (["a@10.0.0.1", "a@10.0.0.1"], "the host 10.0.0.1 is given twice"),
        (["--add", ","], "there is no terminal to prompt on"),
        ([], "there is no terminal to prompt on"),
        (["--add", "a@b:99999"], "is no host"),
    ],
)
def test_each_ends_with_one_line_and_nothing_written(
    tmp_path: Path, words: list[str], said: str
) -> None:
    code, printed, told = run(tmp_path, "init", *words)
    assert (code, printed, len(told.splitlines())) == (5, "", 1), told
    assert told.startswith("error: ") and said in told
    assert list(tmp_path.iterdir()) == []


def proposal() -> Proposal:
    hosts = [
        ProposedHost(name, NewHost("", name, 0), Facts(name, {}), "")
        for name in ("a", "b")
    ]
    return Proposal("c", tuple(hosts), "a")


def test_the_inventory_names_a_playbook_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # as after an installation: no playbooks/ here
    [line] = [
        line for line in inventory_text(proposal()).splitlines() if "--set" in line
    ]
    assert "ray_image" in Path(line.rpartition(" ")[2]).read_text()


def test_another_head_must_be_one_of_the_hosts() -> None:
    assert proposal().with_head("b").head == "b"
    with pytest.raises(InputError, match="there is no host 'x'") as caught:
        proposal().with_head("x")
    assert caught.value.hint == "the hosts are a, b"
