"""Every inventory means what it means to ansible-core, or is refused.

The cases are in `ansible_cases/`, one file for each format:

    === title
    expect: equal | refused | refused here: PART OF THE MESSAGE   (default: equal)
    sources: hosts.yml folder                                     (default: the first)
    --- path of a file, with * behind it if it is executable
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support import ansible_core

from provision.config import inventory as inventories
from provision.config.inventory import Inventory
from provision.config.inventory.connection_vars import TEXTS
from provision.errors import InputError

CASES = Path(__file__).parent / "ansible_cases"
EQUAL = "equal"
REFUSED = "refused"
PASSWORD = b"vault-password"


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


def plain(value: Any) -> Any:
    """*value* so that two are equal only if they are of the same type as well."""
    if isinstance(value, SecretStr):
        return plain(value.get_secret_value())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | float):
        kinds = (kind for kind in (bool, int, float) if isinstance(value, kind))
        return next(kinds), value
    return value if value is None else str(value)


def as_read(inventory: Inventory) -> tuple[Any, Any]:
    """What is compared of *inventory*."""
    variables = {name: plain(dict(host.vars)) for name, host in inventory.hosts.items()}
    return {name: set(hosts) for name, hosts in inventory.groups.items()}, variables


def as_ansible(sources: Sequence[Path], inventory: Inventory) -> tuple[Any, Any]:
    """The same as ansible-core reads it."""
    groups, found = ansible_core.read(sources, PASSWORD)
    variables = {name: plain(dict(values)) for name, values in found.items()}
    for name, values in variables.items():
        ours = inventory.hosts[name].vars if name in inventory.hosts else {}
        for text in TEXTS & values.keys():
            # What connects is read as it was written, where YAML makes a number of it.
            if isinstance(ours.get(text), str) and not isinstance(values[text], str):
                values[text] = ours[text]
    return {name: set(hosts) for name, hosts in groups.items()}, variables


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
        assert as_read(inventory) == as_ansible(sources, inventory)
        return
    with pytest.raises(InputError) as caught:
        inventories.load(sources)
    _, here, part = case.expect.partition("refused here: ")
    if here:
        ansible_core.read(sources, PASSWORD)
        assert part in str(caught.value)
    else:
        with pytest.raises(ansible_core.RefusedError):
            ansible_core.read(sources, PASSWORD)
    assert str(caught.value).startswith("i/"), caught.value


def test_there_are_enough_cases_of_each_format() -> None:
    assert len(ALL) >= 150
    assert {case.title.split(":")[0] for case in ALL} == {
        *("folders", "ini", "programs", "variables", "yaml"),
    }
