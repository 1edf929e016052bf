"""The check that all nodes of a Ray cluster are alive, made on its head."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, field_validator

from provision.errors import ProbeError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.steps.http import parse_http

PROBE = read_shell(__file__, "nodes.sh")
TRY_TOKENS = read_shell(__file__, "try_tokens.sh")
ALIVE = "ALIVE"
"""Ray's word for a node that works."""
OK = 200
TOKEN_REFUSED = (401, 403)


class ClusterNode(BaseModel):
    """A host that should be a node; made from a host of the inventory."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    address: str
    where: str = Field(default="", exclude=True, repr=False)

    @property
    def label(self) -> str:
        """Return what a plan calls it."""
        return f"{self.name} ({self.address})"


class RayNodes(Step, kind="ray_nodes"):
    """Ray calls every one of these hosts an ALIVE node.

    It changes nothing: it waits, at most `settle_s` seconds. Former nodes that Ray
    lists as DEAD do not count.

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

    @field_validator("nodes")
    @classmethod
    def _one_address_each(
        cls, nodes: tuple[ClusterNode, ...]
    ) -> tuple[ClusterNode, ...]:
        """Ray knows its nodes by their addresses alone."""
        seen: dict[str, ClusterNode] = {}
        for node in nodes:
            first = seen.setdefault(node.address, node)
            if first.name != node.name:
                place = f"{node.where}: " if node.where else ""
                raise ValueError(
                    f"{place}{node.name} and {first.name} have the same address "
                    f"{node.address}; correct `ansible_host`, or set `address`: where "
                    "other nodes reach it"
                )
        return nodes

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            token_file=f"{self.data_dir}/auth_token",
            host=self.dashboard_host,
            port=self.dashboard_port,
        )

    def try_tokens(self, *tokens: str) -> Sh:
        """Return shell that prints the code with which Ray answers each of *tokens*."""
        host, port = self.dashboard_host, self.dashboard_port
        return Sh.of(TRY_TOKENS, *tokens, host=host, port=port)

    def observe(self, reply: Reply) -> State:
        answer = parse_http(reply.stdout)
        if answer.code in TOKEN_REFUSED:
            raise ProbeError(f"Ray refuses the token: {answer.body}")
        if answer.code != OK:
            return {}
        listed = json.loads(answer.body)["data"]["result"]["result"]
        alive = {node["node_ip"] for node in listed if node["state"] == ALIVE}
        return {node.label: ALIVE for node in self.nodes if node.address in alive}

    def desired(self) -> State:
        return {node.label: ALIVE for node in self.nodes}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def advice(self, problem: str) -> str:
        return "see `docker logs` of the Ray container on the hosts that are missing"
