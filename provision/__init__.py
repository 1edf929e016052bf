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
    from provision import api as api
    from provision import lab as lab
    from provision.api import apply as apply
    from provision.api import decrypt as decrypt
    from provision.api import deploy as deploy
    from provision.api import encrypt as encrypt
    from provision.api import metrics as metrics
    from provision.api import plan as plan
    from provision.api import prune as prune
    from provision.api import rollback as rollback
    from provision.api import rotate_token as rotate_token
    from provision.api import schema as schema
    from provision.api import smoke as smoke
    from provision.api import status as status
    from provision.api import teardown as teardown
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
    from provision.secrets.credentials import Credentials as Credentials

__version__ = "0.1.0"

_VERBS = (
    *("apply", "decrypt", "deploy", "encrypt", "metrics", "plan", "prune", "rollback"),
    *("rotate_token", "schema", "smoke", "status", "teardown", "verify"),
)
_MODULES = {
    "Change": "model.change",
    "Credentials": "secrets.credentials",
    "Inventory": "config.inventory",
    "Play": "config.playbook",
    "Playbook": "config.playbook",
    "ProvisionError": "errors",
    "Run": "model.result",
    "Sh": "model.shell",
    "State": "model.change",
    "Step": "model.step",
    **dict.fromkeys(_VERBS, "api"),
}

_SUBMODULES = ("api", "lab")

__all__ = ["__version__", *_MODULES, *_SUBMODULES]  # noqa: PLE0604 - a table of text


if not TYPE_CHECKING:  # mypy would take every name for one of ours

    def __getattr__(name: str) -> Any:
        if name in _SUBMODULES:
            return import_module(f"provision.{name}")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"provision.{_MODULES[name]}"), name)
