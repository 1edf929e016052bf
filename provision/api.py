"""Every verb of the command line as a function that returns values and prints nothing.

Names load when they are first used, so that a short command starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provision.config.schema import schema
    from provision.engine.run import (
        FORKS,
        Book,
        ClusterOptions,
        Hosts,
        RunOptions,
        apply,
        plan,
        verify,
    )
    from provision.ray.deploy import deploy
    from provision.ray.metrics import metrics
    from provision.ray.prune import find_prune, prune
    from provision.ray.rollback import find_rollback, rollback
    from provision.ray.smoke import smoke
    from provision.ray.status import status
    from provision.ray.teardown import prepare_teardown, teardown
    from provision.ray.token_rotation import rotate_token
    from provision.report.reporters import Reporter
    from provision.secrets.credentials import Credentials, decrypt, encrypt
    from provision.transport.ssh.trust import accept_host_keys, scan_host_keys

_MODULES = {
    "config.schema": ("schema",),
    "engine.run": (
        *("apply", "plan", "verify", "FORKS", "Book", "ClusterOptions", "Hosts"),
        "RunOptions",
    ),
    "ray.deploy": ("deploy",),
    "ray.metrics": ("metrics",),
    "ray.prune": ("find_prune", "prune"),
    "ray.rollback": ("find_rollback", "rollback"),
    "ray.smoke": ("smoke",),
    "ray.status": ("status",),
    "ray.teardown": ("prepare_teardown", "teardown"),
    "ray.token_rotation": ("rotate_token",),
    "report.reporters": ("Reporter",),
    "secrets.credentials": ("Credentials", "decrypt", "encrypt"),
    "transport.ssh.trust": ("accept_host_keys", "scan_host_keys"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "FORKS",
    "Book",
    "ClusterOptions",
    "Credentials",
    "Hosts",
    "Reporter",
    "RunOptions",
    "accept_host_keys",
    "apply",
    "decrypt",
    "deploy",
    "encrypt",
    "find_prune",
    "find_rollback",
    "metrics",
    "plan",
    "prepare_teardown",
    "prune",
    "rollback",
    "rotate_token",
    "scan_host_keys",
    "schema",
    "smoke",
    "status",
    "teardown",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"provision.{_HOMES[name]}")
    return getattr(module, name)
