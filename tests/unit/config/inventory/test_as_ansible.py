"""Every inventory means what it means to ansible-core, or is refused.

The cases are in `ansible_cases/`, one file for each format:

    === title
    expect: equal | refused | refused here: PART OF THE MESSAGE   (default: equal)
    sources: hosts.yml folder                                     (default: the first)
    --- path of a file, with * behind it if it is executable
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import ansible_core
from support.ansible_core import PASSWORD

from provision.config import inventory as inventories
from provision.errors import InputError
from provision.secrets.credentials import Credentials
from provision.secrets.vault import encrypt

CASES = Path(__file__).parent / "ansible_cases"
EQUAL = "equal"
REFUSED = "refused"


@dataclass
class Case:
    title: str
    expect: str = EQUAL
    sources: Sequence[str] = ()
    files: dict[str, str] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)

    def write(self, folder: Path) -> list[Path]:
        """Write the files; return the paths of the sources."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if name in self.executable:
                path.chmod(0o755)
        return [folder / name for name in self.sources or [*self.files][:1]]


def cases(file: Path) -> Iterator[Case]:
    """The cases of one file."""
    for block in file.read_text().split("\n=== ")[1:]:
        head, *parts = re.split(r"^--- ", block, flags=re.MULTILINE)
        title, *keys = head.strip().splitlines()
        case = Case(f"{file.stem}: {title}")
        for key, _, value in (line.partition(": ") for line in keys):
            if key == "expect":
                case.expect = value
            else:
                case.sources = value.split()
        for part in parts:
            name, _, text = part.partition("\n")
            case.files[name.rstrip(" *")] = text
            if name.endswith("*"):
                case.executable.add(name.rstrip(" *"))
        yield case


ALL = [case for file in sorted(CASES.glob("*.txt")) for case in cases(file)]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.title)
def test_an_inventory_means_what_it_means_to_ansible(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_bytes(PASSWORD)
    monkeypatch.setenv("PROVISION_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    sources = case.write(tmp_path / "i")
    if case.expect == EQUAL:
        inventory = inventories.load(sources)
        ours, theirs = ansible_core.compared(inventory, sources)
        assert ours == theirs
        return
    with pytest.raises(InputError) as caught:
        inventories.load(sources)
    _, here, part = case.expect.partition("refused here: ")
    if here:
        ansible_core.read(sources)
        assert part in str(caught.value)
    else:
        with pytest.raises(ansible_core.RefusedError):
            ansible_core.read(sources)
    said = str(caught.value)
    # What a program prints has no lines of its own; a file that is no inventory neither.
    of_lines = re.match(r"i/\S+\.(ini|ya?ml)\b|i/hosts:", said)
    assert re.match(r"i/\S+:\d+: " if of_lines else r"i/\S+: ", said), said


@pytest.mark.parametrize("name", ["hosts.yml", "hosts.ini"])
def test_encrypted_files_and_values_mean_what_they_mean_to_ansible(
    name: str, tmp_path: Path
) -> None:
    text = "[web]\na v=1 w=text" if name == "hosts.ini" else "web: {hosts: {a: {v: 1}}}"
    value = encrypt("{{ x }}", PASSWORD).replace("\n", "\n  ")
    files = {
        name: encrypt(text, PASSWORD),
        "group_vars/web.yml": f"a: 1\nb: !vault |\n  {value}\nc: !vault-encrypted |\n  {value}",
        "host_vars/a/x.yml": encrypt("l: [1, t]\nd: 2", PASSWORD),
        "host_vars/a/y.json": json.dumps(
            {"j": {"__ansible_vault": encrypt("json", PASSWORD)}}
        ),
    }
    sources = Case("", files=files).write(tmp_path)
    credentials = Credentials(vault_password=PASSWORD.decode())
    inventory = inventories.load(sources, credentials)
    ours, theirs = ansible_core.compared(inventory, sources)
    assert ours == theirs
    assert {"{{ x }}", "json", "t"} <= {*inventory.hosts["a"].secrets}


def test_there_are_enough_cases_of_each_format() -> None:
    assert len(ALL) >= 150
    assert {case.title.split(":")[0] for case in ALL} == {
        *("folders", "ini", "programs", "variables", "yaml"),
    }
