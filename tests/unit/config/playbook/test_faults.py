"""Each fault is one error, at its cause: the variable, where it is set, or the playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.cli.options import assignment
from provision.config import inventory as inventories
from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, Playbook
from provision.config.registry import kinds
from provision.errors import InputError, InputErrors
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

OWN = """\
- play: own
  hosts: all
  vars: {folder: /srv/x, port: 80}
  steps:
    - directory: {path: "{{ folder }}"}
    - file: {path: "{{ folder }}/a", content: "{{ text | default('') }}"}
    - file: {path: "{{ folder }}/b", content: x, timeout_s: "{{ port }}"}
    - reachable: {host: h, port: "{{ port }}"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def deploy() -> Playbook:
    return playbooks.load(playbooks.find("deploy"))


def hosts(**variables: Any) -> Inventory:
    nodes = {f"node{n}": {"ansible_host": f"10.0.0.{n}"} for n in (2, 3, 4)}
    head = {"node1": {"ansible_host": "10.0.0.1"}}
    groups = {"head": {"hosts": head}, "workers": {"hosts": nodes}}
    return Inventory.parse({"all": {"vars": variables}, **groups}, cluster="lab")


def bind(book: Playbook, inventory: Inventory, *sets: str) -> Bound:
    secrets = Secrets(Path("s"), mode=SecretMode.READ, credentials=Credentials())
    given = dict(map(assignment, sets))
    return playbooks.bind(book, inventory, secrets=secrets, sets=given)


def refusals(book: Playbook, inventory: Inventory, *sets: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        bind(book, inventory, *sets)
    error = caught.value
    return [*map(str, error.errors if isinstance(error, InputErrors) else [error])]


def own(folder: Path, text: str = OWN) -> Playbook:
    (folder / "own.yml").write_text(text)
    return playbooks.load(folder / "own.yml")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("ray_num_cpus=many", "ray_num_cpus: must be a whole number, not 'many'"),
        ("ray_drain_s=abc", "ray_drain_s: must be a whole number, not 'abc'"),
        ("metrics=maybe", "metrics: must be true or false, not 'maybe'"),
        ("metrics=null", "metrics: must be true or false, not null"),
        ("ray_image=no", "ray_image: must be text, not false; YAML reads"),
        ("data_dir=rel", "data_dir: must be an absolute path"),
        ("ray_ports={haed: 1}", "ray_ports.haed: unknown parameter; did you mean"),
        ("ray_batch=200%", "ray_batch: must be a number of hosts or a share"),
        ("prometheus_port=high", "prometheus_port: must be a whole number"),
        ("grafana_port=null", "grafana_port: is missing"),
        ("ray_labels={a: no}", "ray_labels.a: must be text, not false"),
        (
            "ray_image=rayproject/ray:2.40.0",
            "ray_image: rayproject/ray:2.40.0 is older",
        ),
    ],
)
def test_a_wrong_set_is_one_error_that_names_the_variable(
    folder: Path, deploy: Playbook, given: str, error: str
) -> None:
    [found] = refusals(deploy, hosts(), given)
    assert found.startswith(f"--set {error}")


def test_two_wrong_variables_are_two_errors(folder: Path, deploy: Playbook) -> None:
    found = refusals(deploy, hosts(), "ray_num_cpus=many", "metrics_dir=x")
    assert sorted(line.split(":")[0] for line in found) == [
        "--set metrics_dir",
        "--set ray_num_cpus",
    ]


def test_a_wrong_variable_of_the_inventory_is_one_error_with_its_file(
    folder: Path, deploy: Playbook
) -> None:
    (folder / "lab.yml").write_text(
        "all: {vars: {ray_num_cpus: many}}\nhead: {hosts: {a: }}\n"
        "workers: {hosts: {b: , c: }}\n"
    )
    assert refusals(deploy, inventories.load(folder / "lab.yml")) == [
        "lab.yml:1: ray_num_cpus: must be a whole number, not 'many'"
    ]


def test_a_wrong_variable_of_a_group_is_reported_in_its_file(
    folder: Path, deploy: Playbook
) -> None:
    (folder / "lab.yml").write_text(
        "head: {hosts: {a: }}\nworkers: {hosts: {b: , c: }}\n"
    )
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "workers.yml").write_text("x: 1\nray_labels: {zone: no}\n")
    [found] = refusals(deploy, inventories.load(folder / "lab.yml"))
    assert found.startswith(
        "group_vars/workers.yml:2: ray_labels.zone: must be text, not false (on b, c)"
    )


def test_a_wrong_default_is_reported_at_the_variable(folder: Path) -> None:
    book = own(folder, OWN.replace("port: 80", "port: many"))
    assert refusals(book, hosts()) == ["own.yml:3: port: must be a number, not 'many'"]


def test_a_value_that_a_variable_is_part_of_names_the_place_too(folder: Path) -> None:
    book = own(folder, OWN.replace('path: "{{ folder }}"', "path: /srv/y"))
    assert refusals(book, hosts(), "folder=x") == [
        "--set folder: must be an absolute path, such as /var/lib/data, in own.yml:6"
    ]


def test_what_the_playbook_does_wrong_is_reported_there(folder: Path) -> None:
    text = OWN.replace("text | default('')", "txt") + "    - directory: {path: x}\n"
    found = refusals(own(folder, text), hosts(text="a"), "port=81")
    assert [line.split(" ")[0] for line in found] == ["own.yml:6:", "own.yml:9:"]
    assert "undefined variable 'txt'; did you mean 'text'?" in found[0]


def test_unknown_kinds_and_wrong_parameters_are_reported_together(folder: Path) -> None:
    text = OWN + (
        "    - sysctl: {name: x}\n"
        "    - directory: {pth: /x/y, mode: '9'}\n"
        "- play: next\n  hosts: all\n  after: [wrong]\n"
        "  steps: [{directory: {path: z}}]\n"
        "- {play: wrong, hosts: all, become: perhaps, steps: []}\n"
        "- {play: last, hosts: all, after: [wrong], steps: []}\n"
    )
    found = "\n".join(refusals(own(folder, text), hosts()))
    for problem in (
        "sysctl: unknown step 'sysctl'",
        "directory.pth: unknown parameter; did you mean 'path'?",
        "directory.mode: '9' has a character",
        "directory.path: must be an absolute path",
        "become: must be true or false, not 'perhaps'",
    ):
        assert found.count(problem) == 1, found
    assert "no earlier play" not in found, "its play is wrong, and reported"


def test_an_unknown_step_lists_the_kinds_there_are(folder: Path) -> None:
    [found] = refusals(own(folder, OWN + "    - sysctl: {name: x}\n"), hosts())
    assert all(kind in found for kind in kinds() if not kind.endswith("_absent"))
    assert "user_absent" not in found
    assert len(found) < 800


def test_a_huge_wrong_value_is_not_shown_whole(folder: Path) -> None:
    for value in ("x" * 10_000, list(range(10_000)), {"k": ["y" * 10_000]}):
        for found in refusals(own(folder), hosts(port=value)):
            assert len(found) < 300


def test_numbers_are_what_was_written_in_text(folder: Path) -> None:
    text = OWN.replace("text | default('')", "text")
    for given, content in (("750", "750"), ("0123", "0123"), ("1.10", "1.10")):
        bound = bind(own(folder, text), hosts(), f"text={given}")
        step = bound.plays[0].steps["node1"][1].step
        assert step.content == content  # type: ignore[attr-defined]


def test_variables_of_the_shipped_playbooks_are_no_warning(folder: Path) -> None:
    inventory = hosts(ray_num_cpus=2, metrics=True, prometheus_retention="1d")
    assert bind(own(folder), inventory).warnings == ()


def test_a_mistyped_variable_of_a_shipped_playbook_is_a_warning(folder: Path) -> None:
    assert bind(own(folder), hosts(ray_num_cpu=2)).warnings == (
        "the variable 'ray_num_cpu' is not used by the playbook; "
        "did you mean 'ray_num_cpus'?",
    )


def test_a_name_and_tags_of_a_step_are_text(folder: Path) -> None:
    text = OWN + "    - {name: no, directory: {path: /x/y}}\n"
    [found] = refusals(own(folder, text), hosts())
    assert "steps[4].name: must be text, not false" in found
    text = OWN + "    - {tags: [010], directory: {path: /x/y}}\n"
    assert own(folder, text).plays[0].steps[4].tags == {"010"}  # type: ignore[union-attr]


def test_a_long_problem_of_a_step_is_cut_short(folder: Path, deploy: Playbook) -> None:
    sets = "firewall=true", f"firewall_allow=[{'x' * 5000}]"
    [found] = refusals(deploy, hosts(), *sets)
    assert found.startswith("--set firewall_allow[0]: ")
    assert len(found) < 500
