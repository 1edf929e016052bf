"""The text of a new inventory, with comments, and the file that is never overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from provision.config import playbook as playbooks
from provision.errors import OptionError
from provision.ray.head import PLAYBOOK
from provision.ray.start.proposal import Proposal, ProposedHost


def inventory_text(proposal: Proposal) -> str:
    """Return the inventory of *proposal* as YAML."""
    head = [host for host in proposal.hosts if host.name == proposal.head]
    workers = [host for host in proposal.hosts if host.name != proposal.head]
    lines = [
        "# The hosts of a cluster, in the format of Ansible's inventories. What else can be",
        f"# set, with `--set` or below `vars`, is in {_shown(str(playbooks.find(PLAYBOOK)))}",
        "",
        "all:",
        "  vars:",
        f"    cluster: {_word(proposal.cluster)} # names its containers and folders on the hosts",
        "    # ansible_ssh_private_key_file: ~/.ssh/id_ed25519   else ssh's own keys and agent",
        "    # ray_image: rayproject/ray:2.60.0-py312-cu128      an image with CUDA, for GPUs",
        "    # ray_tls: true      TLS between the nodes",
        "    # firewall: true     only the cluster's hosts reach its ports",
        "",
        "head: # exactly one: the tables of Ray, its dashboard, Prometheus and Grafana",
        "  hosts:",
        *_hosts(head),
        "",
        "workers:",
        "  hosts:" if workers else "  hosts: {} # none yet: the head works as well",
        *_hosts(workers),
    ]
    return "\n".join(lines) + "\n"


def _hosts(hosts: list[ProposedHost]) -> Iterator[str]:
    for host in hosts:
        yield f"    {_word(host.name)}: # {_seen(host)}"
        for name, value in host.new.variables().items():
            note = " # where SSH connects to" if name == "ansible_host" else ""
            yield f"      {name}: {_word(value)}{note}"
        if host.address:
            yield f"      address: {_word(host.address)} # where the other hosts reach it"


def seen_words(host: ProposedHost) -> list[str]:
    """Return what was seen of a host, in words."""
    facts, memory = host.facts, host.facts.memory_mb
    words = [f"{facts.get('cpus') or '?'} CPUs"]
    words.append("memory unknown" if memory is None else f"{memory // 1024} GB")
    words.append(f"{host.gpus} GPUs" if host.gpus else "no GPU")
    return [*words, facts.get("os_name") or "an unknown system"]


def _seen(host: ProposedHost) -> str:
    return _shown(", ".join(seen_words(host)))


def _shown(text: str) -> str:
    """A text of one line, for a comment."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _word(value: str | int) -> str:
    """A value as YAML; text that could be read as something else in quotes."""
    text = str(value)
    plain = text.replace("-", "").replace("_", "").replace(".", "").isalnum()
    odd = text.lower() in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    safe = isinstance(value, int) or (plain and text[0].isalpha() and not odd)
    return text if safe else json.dumps(text)


def refuse_existing(path: Path) -> None:
    """Raise OptionError if there is something at *path*, which is never overwritten."""
    if os.path.lexists(path):
        raise OptionError(
            f"there is {path} already: it is not overwritten",
            hint="name another file with --inventory, or edit this one",
        )


def write_inventory(path: Path, proposal: Proposal) -> None:
    """Write the inventory of *proposal* to a new file.

    Raises:
        OptionError: the file is there, or cannot be written.
    """
    refuse_existing(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(inventory_text(proposal))
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}") from error
