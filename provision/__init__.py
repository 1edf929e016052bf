"""Turn an inventory of Linux hosts into a running Ray cluster, over SSH.

    import provision

    run = provision.plan("lab.yml", "deploy")
    run.planned, run.exit_code

Names load when they are first used, so that a short command starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provision.api import apply as apply
    from provision.api import plan as plan
    from provision.api import verify as verify
    from provision.errors import ProvisionError as ProvisionError
    from provision.inventory import Inventory as Inventory
    from provision.playbook import Play as Play
    from provision.playbook import Playbook as Playbook
    from provision.run import Run as Run
    from provision.shell import Sh as Sh
    from provision.step import Change as Change
    from provision.step import State as State
    from provision.step import Step as Step

__version__ = "0.1.0"

_HOME = {
    "Change": "step",
    "Inventory": "inventory",
    "Play": "playbook",
    "Playbook": "playbook",
    "ProvisionError": "errors",
    "Run": "run",
    "Sh": "shell",
    "State": "step",
    "Step": "step",
    "apply": "api",
    "plan": "api",
    "verify": "api",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604 - a table of text


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"provision.{_HOME[name]}"), name)
