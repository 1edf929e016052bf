"""A new token for a cluster: generated here, deployed to all hosts, and tried on Ray.

The token has one source, the file of the secret on this machine. That is replaced
atomically, and the rest is a deploy: if it is interrupted, the next deploy brings all
hosts to what the file has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

from provision.config.inventory import Host, Inventory
from provision.engine import run as engine
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import HostError, InputError, InventoryError, LockHeldError
from provision.model.result import Run
from provision.model.shell import Sh
from provision.ray.head import PLAYBOOK, head_of, head_steps, stored_secrets
from provision.ray.steps.nodes import RayNodes
from provision.secrets.store import Secrets, new_secret
from provision.transport.query import ask

SECRET = "ray_token"  # noqa: S105 - its name
TAGS = ("token",)
"""Tags of the steps of the playbook that bring a token to Ray."""
LIMIT_S = 60.0
ACCEPTED = "200"
REFUSED = ("401", "403")
READ = 'if [ -e "$path" ]; then cat -- "$path"; fi'
Deploy = Callable[[], Run]
"""Brings the token that is in the file here to the hosts."""


def rotate_token(inventory: Hosts, **options: Unpack[ClusterOptions]) -> Run:
    """Give the cluster a new token, and check that Ray refuses the old one.

    Args:
        inventory: the cluster.
        options: `sets` are the variables it was deployed with.

    Returns:
        The run that brought it to the hosts. If its exit code is not 0, the next deploy
        does the rest.

    Raises:
        InventoryError: there is no head.
        SecretError: the token comes from the environment, or cannot be written.
        HostError: the cluster is not deployed; or Ray takes the old token after all,
            or does not take the new one.
        ConnectError: the head cannot be reached; nothing was changed.
    """
    cluster = load_inventory(inventory, options)

    def deploy() -> Run:
        return engine.apply(cluster, PLAYBOOK, tags=TAGS, **options)

    return rotate(cluster, options.get("sets", {}), deploy)


def token_place(inventory: Inventory) -> str:
    """Return where the token of a cluster is on this machine, in words."""
    return stored_secrets(inventory).place(SECRET)


def rotate(inventory: Inventory, sets: Mapping[str, Any], deploy: Deploy) -> Run:
    """Replace the token, *deploy* it and try it; see `rotate_token`."""
    head, nodes = head_of(inventory), _ray_nodes(inventory, sets)
    old, new = _current(head, nodes), new_secret()
    with _stored(stored_secrets(inventory), new):
        run = deploy()
    if run.exit_code == 0:
        _check(head, nodes, old, new)
    return run


def _ray_nodes(inventory: Inventory, sets: Mapping[str, Any]) -> RayNodes:
    """Return the step that has the address of Ray's dashboard."""
    for step in head_steps(inventory, PLAYBOOK, sets):
        if isinstance(step, RayNodes):
            return step
    raise InventoryError(
        f"the playbook {PLAYBOOK} has no step ray_nodes for the head",
        hint="put it back: it has the address of Ray's dashboard",
    )


def _current(head: Host, nodes: RayNodes) -> str:
    path = f"{nodes.data_dir}/auth_token"
    reply = ask(head, Sh.of(READ, path=path), LIMIT_S)
    if token := reply.stdout.strip():
        return token
    raise HostError(
        f"{head.name} has no token in {path}: there is nothing to rotate",
        hint="deploy the cluster first; that makes one",
        details=reply.tail(),
    )


@contextmanager
def _stored(store: Secrets, new: str) -> Iterator[None]:
    """Store *new* as the token; put the old one back if the deploy is refused."""
    before = store(SECRET).get_secret_value()
    existed = SECRET not in store.missing
    store.replace(SECRET, new)
    try:
        yield
    except (InputError, LockHeldError):
        if existed:
            store.replace(SECRET, before)
        else:
            store.remove(SECRET)
        raise


def _check(head: Host, nodes: RayNodes, old: str, new: str) -> None:
    codes = ask(head, nodes.try_tokens(new, old), LIMIT_S).stdout.splitlines()
    if len(codes) == 2 and codes[0] == ACCEPTED and codes[1] in REFUSED:
        return
    answers = " and ".join(codes) or "nothing"
    raise HostError(
        f"{head.name}: Ray answers the new token and the old one with {answers}, "
        f"not with {ACCEPTED} and {REFUSED[0]}",
        hint="see `docker logs` of the Ray container on that host, then rotate again",
    )
