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
    from provision.config.inventory import Inventory as Inventory
    from provision.config.playbook import Play as Play
    from provision.config.playbook import Playbook as Playbook
    from provision.errors import ProvisionError as ProvisionError
    from provision.model.change import Change as Change
    from provision.model.change import State as State
    from provision.model.result import Run as Run
    from provision.model.shell import Sh as Sh
    from provision.model.step import Step as Step

__version__ = "0.1.0"

_HOME = {
    "Change": "model.change",
    "Inventory": "config.inventory",
    "Play": "config.playbook",
    "Playbook": "config.playbook",
    "ProvisionError": "errors",
    "Run": "model.result",
    "Sh": "model.shell",
    "State": "model.change",
    "Step": "model.step",
    "apply": "api",
    "plan": "api",
    "verify": "api",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604 - a table of text


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"provision.{_HOME[name]}"), name)
