"""The environment with which Ray's own programs reach a cluster from this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import InventoryError
from provision.ray.head import PLAYBOOK, head_of, head_steps
from provision.ray.steps.node.start.ray_start import RayStart
from provision.ray.steps.nodes import RayNodes
from provision.ray.token_rotation import token_place
from provision.secrets.store import CERTIFICATES

GIVEN = "PROVISION_RAY_TOKEN"
"""The variable of the environment that may have the token instead of a file."""
LOOPBACK = ("127.", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ClientEnvironment:
    """The variables for Ray's programs on this machine.

    Attributes:
        variables: by name; none has a secret, they name files.
        notes: what a person should know of them.
        client: the address for `ray.init`, of Ray client.
    """

    variables: dict[str, str]
    notes: tuple[str, ...]
    client: str


def client_environment(
    inventory: Hosts, **options: Unpack[ClusterOptions]
) -> ClientEnvironment:
    """Return the environment for Ray's programs; asks no host.

    Raises:
        InputErrors: inventory or playbook are wrong.
        InventoryError: the playbook sets up no Ray here.
    """
    cluster = load_inventory(inventory, options)
    head_of(cluster)
    steps = list(head_steps(cluster, PLAYBOOK, options.get("sets", {})))
    checks = [step for step in steps if isinstance(step, RayNodes)]
    nodes = [step for step in steps if isinstance(step, RayStart)]
    if not checks:
        raise InventoryError(
            "the playbook sets up no Ray on the head of this inventory"
        )
    address = bracketed(checks[0].dashboard_host)
    variables = {"RAY_ADDRESS": f"http://{address}:{checks[0].dashboard_port}"}
    notes = [*_dashboard_note(checks[0], cluster)]
    if not nodes or nodes[0].auth:
        found, told = _token(cluster)
        variables, notes = variables | found, [*notes, *told]
    if nodes and nodes[0].tls:
        variables |= _tls(cluster)
        notes.append(
            "TLS: with the certificate of the head; Ray on this machine must be 2.60"
        )
    port = checks[0].ports.client
    client = f"ray://{bracketed(head_of(cluster).address)}:{port}"
    return ClientEnvironment(variables, tuple(notes), client)


def bracketed(host: str) -> str:
    """Return *host* as a URL has it."""
    return f"[{host}]" if ":" in host else host


def _token(cluster: Inventory) -> tuple[dict[str, str], list[str]]:
    """The variables of the token, which never have the token itself; and notes."""
    place = token_place(cluster)
    mode = {"RAY_AUTH_MODE": "token"}
    if place == f"${GIVEN}":
        return mode, [
            f'the token is in the environment: export RAY_AUTH_TOKEN="{place}"'
        ]
    if place.startswith("$"):
        file = Path(cluster.credentials.environment[place[1:]]).expanduser()
    else:
        file = Path(place)
    notes = []
    if not file.exists():
        notes = [
            "the token is not here yet: the first deploy makes it, or takes it over"
        ]
    return {**mode, "RAY_AUTH_TOKEN_PATH": str(file.resolve())}, notes


def _dashboard_note(check: RayNodes, cluster: Inventory) -> list[str]:
    host = check.dashboard_host
    if not host.startswith(LOOPBACK):
        return []
    head = head_of(cluster)
    port = f" -p {head.port}" if head.port else ""
    user = f"{head.user}@" if head.user else ""
    forward = f"-L {check.dashboard_port}:{host}:{check.dashboard_port}"
    return [
        "the dashboard listens on the head alone: "
        f"ssh -N{port} {forward} {user}{head.ssh_host}, beside this"
    ]


def _tls(cluster: Inventory) -> dict[str, str]:
    """The files of the head's certificate: key and certificate are in one file."""
    folder = (cluster.state_dir / CERTIFICATES).resolve()
    own = str(folder / f"host-{head_of(cluster).name}.pem")
    return {
        "RAY_USE_TLS": "1",
        "RAY_TLS_CA_CERT": str(folder / "authority.pem"),
        "RAY_TLS_SERVER_CERT": own,
        "RAY_TLS_SERVER_KEY": own,
    }
