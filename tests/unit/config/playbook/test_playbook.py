"""Playbooks are checked as a whole, on all hosts, before anything is connected to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, Play, Playbook
from provision.config.registry import kinds, step_class
from provision.config.schema import schema
from provision.errors import InputError, OptionError
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets
from provision.steps.files.file import Directory

BOOK = """\
- play: base
  hosts: all
  become: true
  tags: [base]
  vars: {folder: "/srv/{{ cluster }}", mode: "755"}
  steps:
    - directory: {path: "{{ folder }}", mode: "{{ mode }}"}
    - name: a note
      tags: [note]
      file: {path: "{{ folder }}/{{ inventory_hostname }}", content: "{{ address }}"}
- play: later
  hosts: workers
  after: [base]
  batch: 50%
  steps:
    - directory: {path: /srv/later}
"""
HOSTS = {
    "head": {"hosts": {"node1": {"ansible_host": "10.0.0.1"}}},
    "workers": {"hosts": {"node[2:5]": {"mode": "700"}}},
}


@pytest.fixture
def lab() -> Inventory:
    return Inventory.parse(HOSTS, cluster="lab")


def load(folder: Path, text: str = BOOK) -> Playbook:
    (folder / "book.yml").write_text(text)
    return playbooks.load(folder / "book.yml")


def bind(folder: Path, lab: Inventory, text: str = BOOK, **options: Any) -> Bound:
    secrets = Secrets(folder / "secrets", SecretMode.READ, Credentials(environment={}))
    return playbooks.bind(load(folder, text), lab, secrets=secrets, **options)


def refusal(folder: Path, lab: Inventory, text: str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        bind(folder, lab, text, **options)
    return str(caught.value).replace(f"{folder}/", "")


def labels(bound: Bound) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for play in bound.plays:
        for host, steps in play.steps.items():
            found.setdefault(host, []).extend(step.label for step in steps)
    return found


def test_each_host_gets_the_steps_of_its_plays(tmp_path: Path, lab: Inventory) -> None:
    bound = bind(tmp_path, lab)
    assert labels(bound)["node1"] == ["directory /srv/lab", "a note"]
    assert labels(bound)["node2"] == [
        *("directory /srv/lab", "a note"),
        "directory /srv/later",
    ]
    base, later = bound.plays
    assert (base.batch, later.batch, later.after) == (0, 2, ("base",))
    assert (base.become["node1"], later.become["node2"]) == (True, False)


@pytest.mark.parametrize(("said", "size"), [("75%", 3), ("3", 3), ("0", 0), ("1%", 1)])
def test_a_variable_may_say_the_batch(
    tmp_path: Path, lab: Inventory, said: str, size: int
) -> None:
    text = BOOK.replace("batch: 50%", 'batch: "{{ size }}"')
    sets = {"size": int(said) if said.isdigit() else said}
    assert bind(tmp_path, lab, text, sets=sets).plays[1].batch == size


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{{ wrong }}", "book.yml:14: plays[1].batch: undefined variable 'wrong'"),
        (
            "{{ mode }}0%",
            "must be a number of hosts or a share such as 25%, not '7000%'",
        ),
    ],
)
def test_a_batch_that_is_none_is_an_error_with_its_line(
    tmp_path: Path, lab: Inventory, said: str, problem: str
) -> None:
    text = BOOK.replace("batch: 50%", f'batch: "{said}"')
    assert problem in refusal(tmp_path, lab, text)


def test_hosts_of_a_play_may_not_have_different_batches(tmp_path: Path) -> None:
    hosts = {"workers": {"hosts": {"a": {"size": 1}, "b": {"size": "25%"}}}}
    text = BOOK.replace("batch: 50%", 'batch: "{{ size }}"').replace("'755'", "'1'")
    inventory = Inventory.parse(hosts, cluster="lab")
    assert "must be the same on all hosts: 1 on a but 25% on b" in refusal(
        tmp_path, inventory, text
    )


def test_steps_know_the_line_they_come_from(tmp_path: Path, lab: Inventory) -> None:
    [first, note] = bind(tmp_path, lab).plays[0].steps["node1"]
    assert (Path(first.where).name, Path(note.where).name) == (
        "book.yml:7",
        "book.yml:10",
    )


def test_the_inventory_wins_over_the_play_and_the_command_line_over_both(
    tmp_path: Path, lab: Inventory
) -> None:
    def mode(host: str, **options: Any) -> str:
        step = bind(tmp_path, lab, **options).plays[0].steps[host][0].step
        assert isinstance(step, Directory)
        return step.mode

    assert (mode("node1"), mode("node2")) == ("755", "700")
    assert mode("node2", sets={"mode": "711"}) == "711"


def test_values_of_other_hosts_come_from_the_inventory(
    tmp_path: Path, lab: Inventory
) -> None:
    text = BOOK.replace('"{{ address }}"', '"{{ groups.head[0].address }}"')
    step = bind(tmp_path, lab, text).plays[0].steps["node2"][1].step
    assert step.content == "10.0.0.1"  # type: ignore[attr-defined]


def test_tags_and_a_limit_choose(tmp_path: Path, lab: Inventory) -> None:
    assert labels(bind(tmp_path, lab, tags=["note"], limit="node2")) == {
        "node2": ["a note"]
    }
    assert labels(bind(tmp_path, lab, tags=["base"]))["node2"] == [
        *("directory /srv/lab", "a note")
    ]


def test_a_variable_nobody_uses_is_a_warning(tmp_path: Path, lab: Inventory) -> None:
    [warning] = bind(tmp_path, lab, sets={"flder": "/x"}).warnings
    assert warning == (
        "the variable 'flder' is not used by the playbook; did you mean 'folder'?"
    )


def test_a_variable_of_a_playbook_beside_this_one_is_no_warning(
    tmp_path: Path, lab: Inventory
) -> None:
    (tmp_path / "other.yml").write_text(
        "- play: x\n  hosts: all\n  vars: {size: 1}\n  steps: []\n"
    )
    assert bind(tmp_path, lab, sets={"size": 2}).warnings == ()


def test_secrets_and_passwords_are_known_to_whoever_masks_them(tmp_path: Path) -> None:
    lab = Inventory.parse({"all": {"hosts": {"a": {"ansible_password": "hunter2"}}}})
    text = (
        "- play: x\n  hosts: all\n  steps:\n"
        "    - file: {path: /srv/x/y, content: \"{{ secret('token') }}\"}\n"
    )
    load(tmp_path, text)
    credentials = Credentials(environment={"PROVISION_TOKEN": "t0ken"})
    secrets = Secrets(tmp_path / "s", SecretMode.READ, credentials)
    bound = playbooks.bind(playbooks.load(tmp_path / "book.yml"), lab, secrets=secrets)
    assert bound.secrets == {"hunter2", "t0ken"}
    assert "t0ken" not in repr(bound)


STEP = "- play: p\n  hosts: all\n  steps:\n    - {}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a playbook is a list of plays"),
        ("play: x", "a playbook is a list of plays"),
        ("- x", "book.yml:1: plays[0]: a play is a mapping, not 'x'"),
        ("- play: p\n  hosts: all\n", "a play has a list of `steps`"),
        ("- play: p\n  hosts: all\n  tasks: []\n", "a list of `steps`, not `tasks`"),
        ("- play: p\n  steps: []\n", "plays[0].hosts: is missing"),
        ("- play: p\n  hosts: all\n  stepz: []\n  steps: []\n", "did you mean 'steps'?"),
        ("- play: p\n  hosts: all\n  become: maybe\n  steps: []\n", "true or false, not 'maybe'"),
        ("- play: p\n  hosts: all\n  batch: 0%\n  steps: []\n", "a share such as 25%"),
        ("- play: p\n  hosts: all\n  after: q\n  steps: []\n", "no earlier play is called 'q'"),
        ("- play: p\n  hosts: worker\n  steps: []\n", "did you mean 'workers'?"),
        ("- play: p\n  hosts: gpus\n  steps: []\n", "add the group to the inventory"),
        (STEP.format("direktory: {path: /x/y}"), "unknown step 'direktory'; did you mean 'directory'?"),
        (STEP.format("directory: {pth: /x/y}"), "book.yml:4: plays[0].steps[0].directory.pth: unknown parameter; did you mean 'path'?"),
        (STEP.format("directory: {}"), "plays[0].steps[0].directory.path: is missing"),
        (STEP.format("directory: {path: no}"), "directory.path: must be text, not false; YAML reads yes, no, on, off"),
        (STEP.format("directory: {path: x}"), "must be an absolute path"),
        (STEP.format("directory: {path: /x/y, mode: no}"), "quoted octal digits"),
        (STEP.format("directory: /x/y"), "directory takes parameters, not '/x/y'"),
        (STEP.format('directory: {path: "{{ nowhere }}"}'), "undefined variable 'nowhere'"),
        (STEP.format("name: x"), "a step has a kind"),
        (STEP.format("directory: {path: /x/y}\n      when: x"), "unknown key 'when' beside the step 'directory'"),
        (STEP.format("directory: {path: /x/y}\n      file: {path: /x/y}"), "one step has one kind, not directory, file"),
        (STEP.format("[1]"), "a step is a mapping, not [1]"),
        (STEP.format("ray_head: {cluster: c, image: i, address: a, data_dir: /d/e, ports: {haed: 1}}"), "ports.haed: unknown parameter; did you mean 'head'?"),
        (STEP.format("directory: {path: /x/y}") * 2, "there are two plays called 'p'"),
        ("- import: nowhere.yml\n", "book.yml:1: plays[0].import: there is no file nowhere.yml"),
        ("- import: book.yml\n", "imports itself"),
        ("- import: book.yml\n  tags: [x]\n", "`import` stands alone"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    tmp_path: Path, lab: Inventory, text: str, problem: str
) -> None:
    assert problem in refusal(tmp_path, lab, text)


def test_all_errors_of_all_hosts_are_shown_at_once(
    tmp_path: Path, lab: Inventory
) -> None:
    text = BOOK.replace("/srv/later", "srv").replace("note\n", "note\n", 1)
    said = refusal(tmp_path, lab, text, sets={"mode": 7, "folder": "x"})
    assert len(said.splitlines()) >= 3
    assert "(on node2, node3, node4 and 1 more)" in said, "only workers run that play"


def test_an_error_of_some_hosts_names_them(tmp_path: Path) -> None:
    hosts = {
        "all": {"hosts": {"a": {"mode": "999"}, "b": {}}},
        "workers": {},
        "head": None,
    }
    del hosts["head"]
    lab = Inventory.parse(hosts)
    said = refusal(tmp_path, lab, BOOK)
    assert "(on a)" in said


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"limit": "nod2"}, "--limit nod2: no host or group is called 'nod2'; did you"),
        ({"limit": "node2:!node2"}, "chooses no host"),
        (
            {"tags": ["nots"]},
            "--tags nots: nothing in the playbook has this tag; did you",
        ),
        ({"tags": ["note"], "limit": "workers:!workers"}, "chooses no host"),
    ],
)
def test_options_that_choose_nothing_are_refused(
    tmp_path: Path, lab: Inventory, options: Any, problem: str
) -> None:
    with pytest.raises(OptionError) as caught:
        bind(tmp_path, lab, **options)
    assert problem in str(caught.value)


def test_imported_plays_come_in_their_place(tmp_path: Path, lab: Inventory) -> None:
    (tmp_path / "more.yml").write_text(STEP.format("directory: {path: /x/y}"))
    bound = bind(tmp_path, lab, "- import: more.yml\n" + BOOK)
    assert [play.name for play in bound.plays] == ["p", "base", "later"]


def test_the_same_plays_can_be_made_in_python(tmp_path: Path, lab: Inventory) -> None:
    play = Play(play="p", hosts="workers", steps=(Directory(path="/srv/x"),))
    secrets = Secrets(tmp_path, SecretMode.READ, Credentials())
    bound = playbooks.bind(Playbook((play,)), lab, secrets=secrets)
    assert labels(bound)["node2"] == ["directory /srv/x"]


def test_a_playbook_is_found_here_or_among_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert playbooks.find("deploy").name == "deploy.yml"
    (tmp_path / "deploy.yml").touch()
    assert playbooks.find("deploy") == Path("deploy.yml")
    with pytest.raises(InputError, match="did you mean 'teardown'"):
        playbooks.find("teerdown")


def test_the_playbooks_of_the_project_can_be_bound(
    tmp_path: Path, lab: Inventory
) -> None:
    for name in ("deploy", "teardown"):
        book = playbooks.load(playbooks.find(name))
        secrets = Secrets(tmp_path, SecretMode.READ, Credentials())
        bound = playbooks.bind(book, lab, secrets=secrets)
        assert bound.warnings == ("the variable 'mode' is not used by the playbook",)


def test_every_kind_loads_and_has_a_schema() -> None:
    for kind in kinds():
        assert step_class(kind).kind == kind
    described = schema()
    play = described["items"]["anyOf"][0]["properties"]
    assert set(kinds()) < set(play["steps"]["items"]["properties"])


def test_what_a_step_warns_of_is_told_once(tmp_path: Path, lab: Inventory) -> None:
    text = """\
- play: ray
  hosts: workers
  steps:
    - ray_worker:
        cluster: lab
        image: IMAGE
        address: "{{ address }}"
        data_dir: /srv/ray
        head: "{{ groups.head[0].address }}"
"""
    old = text.replace("IMAGE", "rayproject/ray:2.53.0")
    told = [w for w in bind(tmp_path, lab, old).warnings if "newer image" in w]
    assert len(told) == 1
    older = text.replace("IMAGE", "rayproject/ray:2.40.0")
    said = refusal(tmp_path, lab, older)
    assert said.startswith(
        "book.yml:4: plays[0].steps[0].ray_worker: rayproject/ray:2.40.0"
    )
