"""Generated inventories mean what they mean to ansible-core, in YAML and in INI.

A seed makes an inventory: groups within groups, hosts in several of them, variables on
every level, and files of variables beside it. `PROVISION_INVENTORY_SEEDS=1000:2000`
tries others.
"""

from __future__ import annotations

import json
import os
import random
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ansible_core

from provision.config import inventory as inventories

NAMES = ("all", "ungrouped", "a", "b", "c", "d", "e", "f")
HOSTS = ("h1", "h2", "h3", "h4", "h5")
VARIABLES = ("v", "w", "x")
FIRST, END = map(int, os.environ.get("PROVISION_INVENTORY_SEEDS", "0:60").split(":"))
Variables = dict[str, Any]


@dataclass
class Section:
    """One mention of a group in a file: what it says of hosts, variables, children."""

    group: str
    hosts: dict[str, Variables] = field(default_factory=dict)
    vars: Variables = field(default_factory=dict)
    children: list[str] = field(default_factory=list)


class Generator:
    """Makes the files of one inventory."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._count = 0

    def variables(self, most: int) -> Variables:
        """Some variables, each with a value that there is once."""
        names = self.random.sample(VARIABLES, self.random.randint(0, most))
        return {name: self._value() for name in names}

    def sections(self) -> list[Section]:
        """The mentions of groups in one file, in its order."""
        chosen = self.random.choices(NAMES, k=self.random.randint(3, 9))
        return [self._section(name) for name in chosen]

    def files(self) -> Iterator[tuple[str, str]]:
        """Files of variables, with their paths."""
        for name in self.random.sample((*NAMES, "other"), self.random.randint(0, 4)):
            yield self._file(f"group_vars/{name}")
        for name in self.random.sample((*HOSTS, "other"), self.random.randint(0, 3)):
            yield self._file(f"host_vars/{name}")

    def _file(self, path: str) -> tuple[str, str]:
        ending = self.random.choice(("", ".yml", ".yaml", "/2.yml", "/10", "/sub/x"))
        return f"{path}{ending}", json.dumps(self.variables(3))

    def _section(self, group: str) -> Section:
        hosts = self.random.sample(HOSTS, self.random.randint(0, 2))
        section = Section(group, {h: self.variables(2) for h in hosts})
        section.vars = self.variables(2)
        if self.random.random() < 0.2:
            section.vars["ansible_group_priority"] = self.random.randint(-1, 3)
        if group not in ("all", "ungrouped"):
            # Only to later letters, so that there is no circle.
            later = [name for name in NAMES[2:] if name > group]
            count = self.random.randint(0, min(2, len(later)))
            section.children = self.random.sample(later, count)
        return section

    def _value(self) -> Any:
        self._count += 1
        kinds = (self._count, f"t{self._count}", [self._count], {"n": self._count})
        return self.random.choice(kinds)


def as_ini(sections: list[Section], _: random.Random) -> str:
    """The text of an INI file."""
    children = {child for one in sections for child in one.children}
    lines = [f"[{name}]" for name in sorted(children)]
    for one in sections:
        lines.append(f"[{one.group}]")
        for host, variables in one.hosts.items():
            words = (shlex.quote(f"{name}={v}") for name, v in variables.items())
            lines.append(" ".join((host, *words)))
        lines += [f"[{one.group}:vars]", *(f"{n} = {v}" for n, v in one.vars.items())]
        lines += [f"[{one.group}:children]", *one.children]
    return "\n".join(lines) + "\n"


def as_yaml(sections: list[Section], chance: random.Random) -> str:
    """The text of a YAML file, with each group at the top once, some also in others."""
    top: dict[str, Any] = {}
    for one in sections:
        group = top.setdefault(one.group, {})
        keys = ["hosts", "vars", "children"]
        chance.shuffle(keys)
        for key in keys:
            found = getattr(one, key)
            body = found if isinstance(found, dict) else dict.fromkeys(found)
            group.setdefault(key, {}).update(body)
        for child in one.children:
            if chance.random() < 0.4:
                hosts = {chance.choice(HOSTS): {"v": child}}
                group["children"][child] = {"vars": {"w": child}, "hosts": hosts}
    return yaml.safe_dump(top, sort_keys=False)


def write(generator: Generator, folder: Path) -> list[Path]:
    """Write one or two inventories with files of variables; return their paths."""
    sources = []
    for number in range(generator.random.choice((1, 1, 2))):
        place = folder / f"part{number}"
        place.mkdir()
        name, text = generator.random.choice((("hosts", as_ini), ("i.yml", as_yaml)))
        sections = generator.sections()
        (place / name).write_text(text(sections, generator.random))
        for path, content in generator.files():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(content)
        sources.append(generator.random.choice((place, place / name)))
    return sources


@pytest.mark.parametrize("seed", range(FIRST, END))
def test_a_generated_inventory_means_what_it_means_to_ansible(
    seed: int, tmp_path: Path
) -> None:
    sources = write(Generator(seed), tmp_path)
    # So that no inventory is without a host.
    (tmp_path / "last").mkdir()
    sources.append(tmp_path / "last/hosts")
    sources[-1].write_text("\n".join(("[all]", *HOSTS)))
    inventory = inventories.load(sources)
    ours, theirs = ansible_core.compared(inventory, sources)
    assert ours == theirs
