"""Every verb of the command line as a function that returns values and prints nothing.

Names load when they are first used, so that a short command starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the names once more, for readers of types
    from provision.config.schema import schema as schema
    from provision.engine.run import FORKS as FORKS
    from provision.engine.run import Book as Book
    from provision.engine.run import ClusterOptions as ClusterOptions
    from provision.engine.run import Hosts as Hosts
    from provision.engine.run import RunOptions as RunOptions
    from provision.engine.run import apply as apply
    from provision.engine.run import plan as plan
    from provision.engine.run import verify as verify
    from provision.ray.browser.serving import open_dashboards as open_dashboards
    from provision.ray.deploy import deploy as deploy
    from provision.ray.doctor.doctor import doctor as doctor
    from provision.ray.images.commit import commit as commit
    from provision.ray.images.prune import find_image_prune as find_image_prune
    from provision.ray.images.prune import prune_images as prune_images
    from provision.ray.images.spread import spread_image as spread_image
    from provision.ray.images.survey import images as images
    from provision.ray.jobs.jobs import jobs as jobs
    from provision.ray.jobs.jobs import stop_job as stop_job
    from provision.ray.jobs.jobs import submit_job as submit_job
    from provision.ray.jobs.logs import job_logs as job_logs
    from provision.ray.metrics import metrics as metrics
    from provision.ray.notebook.notebook import open_notebook as open_notebook
    from provision.ray.on_hosts.history import history as history
    from provision.ray.on_hosts.logs import logs as logs
    from provision.ray.on_hosts.verbs import copy as copy
    from provision.ray.on_hosts.verbs import execute as execute
    from provision.ray.on_hosts.verbs import open_terminal as open_terminal
    from provision.ray.on_hosts.verbs import ray_command as ray_command
    from provision.ray.prune import find_prune as find_prune
    from provision.ray.prune import prune as prune
    from provision.ray.rollback import find_rollback as find_rollback
    from provision.ray.rollback import rollback as rollback
    from provision.ray.running.membership import prepare_add as prepare_add
    from provision.ray.running.membership import prepare_drain as prepare_drain
    from provision.ray.running.membership import prepare_remove as prepare_remove
    from provision.ray.running.membership import prepare_replace as prepare_replace
    from provision.ray.running.running import prepare_start as prepare_start
    from provision.ray.running.running import prepare_stop as prepare_stop
    from provision.ray.running.running import restart as restart
    from provision.ray.running.running import start as start
    from provision.ray.running.running import stop as stop
    from provision.ray.serving.serve import serve_deploy as serve_deploy
    from provision.ray.serving.serve import serve_status as serve_status
    from provision.ray.serving.serve import serve_stop as serve_stop
    from provision.ray.smoke import smoke as smoke
    from provision.ray.start.authorize import authorize as authorize
    from provision.ray.start.environment import client_environment as client_environment
    from provision.ray.start.inventory_text import write_inventory as write_inventory
    from provision.ray.start.proposal import connecting as connecting
    from provision.ray.start.proposal import propose as propose
    from provision.ray.status import status as status
    from provision.ray.teardown import prepare_teardown as prepare_teardown
    from provision.ray.teardown import teardown as teardown
    from provision.ray.testing.ray_test import run_ray_test as run_ray_test
    from provision.ray.token_rotation import rotate_token as rotate_token
    from provision.report.reporters import Reporter as Reporter
    from provision.secrets.credentials import Credentials as Credentials
    from provision.secrets.credentials import decrypt as decrypt
    from provision.secrets.credentials import encrypt as encrypt
    from provision.transport.ssh.trust import accept_host_keys as accept_host_keys
    from provision.transport.ssh.trust import scan_host_keys as scan_host_keys

_NAMES = {
    "config.schema": "schema",
    "engine.run": "FORKS Book ClusterOptions Hosts RunOptions apply plan verify",
    "ray.browser.serving": "open_dashboards",
    "ray.deploy": "deploy",
    "ray.doctor.doctor": "doctor",
    "ray.images.commit": "commit",
    "ray.images.prune": "find_image_prune prune_images",
    "ray.images.spread": "spread_image",
    "ray.images.survey": "images",
    "ray.metrics": "metrics",
    "ray.notebook.notebook": "open_notebook",
    "ray.on_hosts.history": "history",
    "ray.jobs.jobs": "jobs stop_job submit_job",
    "ray.jobs.logs": "job_logs",
    "ray.on_hosts.logs": "logs",
    "ray.on_hosts.verbs": "copy execute open_terminal ray_command",
    "ray.prune": "find_prune prune",
    "ray.rollback": "find_rollback rollback",
    "ray.running.membership": "prepare_add prepare_drain prepare_remove prepare_replace",
    "ray.running.running": "prepare_start prepare_stop restart start stop",
    "ray.serving.serve": "serve_deploy serve_status serve_stop",
    "ray.smoke": "smoke",
    "ray.start.authorize": "authorize",
    "ray.start.environment": "client_environment",
    "ray.start.inventory_text": "write_inventory",
    "ray.start.proposal": "connecting propose",
    "ray.status": "status",
    "ray.teardown": "prepare_teardown teardown",
    "ray.testing.ray_test": "run_ray_test",
    "ray.token_rotation": "rotate_token",
    "report.reporters": "Reporter",
    "secrets.credentials": "Credentials decrypt encrypt",
    "transport.ssh.trust": "accept_host_keys scan_host_keys",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [*_MODULES]  # noqa: PLE0604 - a table of text


if not TYPE_CHECKING:  # mypy would take every name for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"provision.{_MODULES[name]}"), name)
