"""Steps on one host of the lab, as its root; and what plain commands see there."""

from __future__ import annotations

import provision
from provision import lab
from provision.errors import ProvisionError
from provision.lab.paths import LabPaths
from provision.model.result import HostResult
from provision.model.step import Step

HOST = "node3"


def apply(*steps: Step) -> HostResult:
    """Apply *steps* to the host; what it came to."""
    paths = LabPaths.find()
    [node] = [node for node in paths.expected_hosts() if node.name == HOST]
    about = {
        "cluster": "step-tests",
        "ansible_host": "127.0.0.1",
        "ansible_port": node.port,
        "ansible_user": "admin",
        "ansible_ssh_private_key_file": str(paths.key),
        "known_hosts": str(paths.known_hosts),
    }
    inventory = provision.Inventory.parse({"all": {"hosts": {HOST: about}}})
    play = provision.Play(play="steps", hosts=HOST, become=True, steps=steps)
    return provision.apply(inventory, [play]).hosts[HOST]


def changes(*steps: Step) -> list[str]:
    """Apply *steps*, see that a second run does nothing; what the first changed."""
    result = apply(*steps)
    assert failure(result) == ""
    again = apply(*steps)
    assert (again.changed, again.failed, again.round_trips) == (0, 0, 1)
    return [str(change) for step in result.steps for change in step.changes]


def failure(result: HostResult) -> str:
    """Return the texts of all errors."""
    errors = [result.error, *[step.error for step in result.steps]]
    return "\n".join(error_text(error) for error in errors if error)


def error_text(error: ProvisionError) -> str:
    return "\n".join([str(error), *getattr(error, "details", ())])


def sh(script: str) -> str:
    return lab.run(HOST, "sh", "-c", script).strip()
