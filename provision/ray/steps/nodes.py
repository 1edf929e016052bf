"""The check that all nodes of a Ray cluster are there, asked on its head."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field

from provision.errors import ProbeError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.step import Step

PROBE = r"""
token=
[ ! -e "$token_file" ] || token=$(cat "$token_file")
timeout 10 bash -c 'read -r token
    exec 3<>"/dev/tcp/$0/$1" || exit 0
    printf "GET %s HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n" "$2" "$token" >&3
    cat <&3' "$host" "$port" '/api/v0/nodes?limit=10000' 2>/dev/null <<END
$token
END
"""


class ClusterNode(BaseModel):
    """A host that should be a node; taken from a host of the inventory as it is."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    address: str


class RayNodes(Step, kind="ray_nodes"):
    """All these hosts are nodes that Ray calls ALIVE; asked on the head.

    There is nothing it could change: it waits, at most `settle_s` seconds. Nodes of
    the past that Ray lists as DEAD do not count.

    Raises:
        ProbeError: Ray refuses the token.
        VerifyError: a node is missing.

    Source: `/api/v0/nodes` of the dashboard, Ray 2.60.0.
    """

    nodes: tuple[ClusterNode, ...]
    data_dir: AbsPath
    dashboard_host: Line
    dashboard_port: Port = 8265
    settle_s: float = Field(default=60, ge=0)

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            token_file=f"{self.data_dir}/auth_token",
            host=self.dashboard_host,
            port=self.dashboard_port,
        )

    def observe(self, reply: Reply) -> State:
        head, _, body = reply.stdout.replace("\r\n", "\n").partition("\n\n")
        status = head.partition("\n")[0]
        if " 401 " in status or " 403 " in status:
            raise ProbeError(f"Ray refuses the token: {body}")
        if " 200 " not in status:
            return {}
        listed = json.loads(body)["data"]["result"]["result"]
        alive = {node["node_ip"] for node in listed if node["state"] == "ALIVE"}
        return {key: state for key, state, ip in self._lines() if ip in alive}

    def desired(self) -> State:
        return {key: state for key, state, _ in self._lines()}

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        for node in self.nodes:
            yield f"{node.name} ({node.address})", "ALIVE", node.address

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def advice(self, problem: str) -> str:
        return "see `docker logs` of the Ray container on the hosts that are missing"
