"""A new token for a cluster: made here, brought to all hosts, and tried on Ray.

What the token is stands in one place, the file of the secret on this machine. It is
replaced in one instant, and the rest is a deploy: whatever interrupts it, the next
deploy brings the hosts to what the file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from provision.config.inventory import Host, Inventory
from provision.errors import HostError, InputError, InventoryError, LockHeldError
from provision.model.shell import Sh
from provision.ray.status import PLAYBOOK, head_steps, secrets
from provision.ray.steps.nodes import RayNodes
from provision.secrets.store import Secrets, new_secret
from provision.transport.query import ask

SECRET = "ray_token"  # noqa: S105 - its name
TAGS = ("token",)
"""What of the playbook brings a token to Ray."""
LIMIT_S = 60.0
ACCEPTED = "200"
REFUSED = ("401", "403")
READ = 'if [ -e "$path" ]; then cat -- "$path"; fi'
TRY = r"""
for token; do
    timeout 10 bash -c 'read -r token
        exec 3<>"/dev/tcp/$0/$1" || exit 1
        printf "GET %s HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n" "$2" "$token" >&3
        read -r _ code _ <&3 && echo "$code"' "$host" "$port" "$path" 2>/dev/null <<END ||
$token
END
        echo none
done
"""
"""Says with which code Ray answers each token; tokens are on no command line."""
Deploy = Callable[[], bool]
"""Brings the hosts to what the files here say; whether all went well."""


def rotate(inventory: Inventory, sets: Mapping[str, Any], deploy: Deploy) -> bool:
    """Make a new token the cluster's, and see that Ray refuses the old one.

    Args:
        inventory: the cluster.
        sets: the variables it was deployed with.
        deploy: applies the steps of `PLAYBOOK` with one of `TAGS`.

    Returns:
        Whether *deploy* did all its work. If not, the next one does the rest.

    Raises:
        InventoryError: there is no head.
        SecretError: the token comes from the environment, or cannot be written.
        HostError: the cluster is not deployed; or Ray takes the old token after all,
            or does not take the new one.
        ConnectError: the head cannot be reached; nothing was changed.
    """
    head, asking = _head(inventory, sets)
    old, new = _current(head, asking), new_secret()
    with _kept(secrets(inventory), new):
        done = deploy()
    if done:
        _check(head, asking, old, new)
    return done


def _head(inventory: Inventory, sets: Mapping[str, Any]) -> tuple[Host, RayNodes]:
    """The head, and how Ray is asked there."""
    for step in head_steps(inventory, PLAYBOOK, sets):
        if isinstance(step, RayNodes):
            return inventory.hosts[inventory.groups["head"][0]], step
    raise InventoryError("the inventory has no group `head`")


def _current(head: Host, asking: RayNodes) -> str:
    path = f"{asking.data_dir}/auth_token"
    reply = ask(head, Sh.of(READ, path=path), LIMIT_S)
    if token := reply.stdout.strip():
        return token
    raise HostError(
        f"{head.name} has no token in {path}: there is nothing to rotate",
        hint="deploy the cluster first; that makes one",
        details=reply.tail(),
    )


@contextmanager
def _kept(store: Secrets, new: str) -> Iterator[None]:
    """*new* as this machine's token; not if what is done with it does not even begin."""
    before = store(SECRET).get_secret_value()
    was_there = SECRET not in store.missing
    store.replace(SECRET, new)
    try:
        yield
    except (InputError, LockHeldError):
        if was_there:
            store.replace(SECRET, before)
        else:
            store.remove(SECRET)
        raise


def _check(head: Host, asking: RayNodes, old: str, new: str) -> None:
    sh = Sh.of(
        TRY,
        *(new, old),
        host=asking.dashboard_host,
        port=asking.dashboard_port,
        path="/api/v0/nodes?limit=1",
    )
    codes = ask(head, sh, LIMIT_S).stdout.split()
    if len(codes) == 2 and codes[0] == ACCEPTED and codes[1] in REFUSED:
        return
    said = " and ".join(codes) or "nothing"
    raise HostError(
        f"{head.name}: Ray answers the new token and the old one with {said}, "
        f"not with {ACCEPTED} and {REFUSED[0]}",
        hint="see `docker logs` of the Ray container there, then rotate again",
    )
