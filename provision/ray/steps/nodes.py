"""The check that all nodes of a Ray cluster are alive, made on its head."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from provision.errors import ProbeError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step
from provision.ray.steps.node.diagnosis.firewalls import (
    EACH_NODE,
    not_answering,
    open_here,
    open_there,
    unreached,
)
from provision.ray.steps.node.ports import Ports
from provision.steps.http import parse_http

PROBE = read_shell(__file__, "nodes.sh")
TRY_TOKENS = read_shell(__file__, "try_tokens.sh")
ALIVE = "ALIVE"
"""Ray's word for a node that works."""
UNKNOWN = "unknown"
"""State of what could not be asked, such as all nodes while Ray does not answer."""
OTHER = "other."
"""Prefix of the fields of nodes that are not among those that should be there."""
OK = 200
TOKEN_REFUSED = (401, 403)


class _Node(BaseModel):
    """A node as Ray lists it; its other fields are left out."""

    address: str = Field(alias="node_ip")
    id: str = Field(default="(no id)", alias="node_id")
    state: str


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
    """Ray calls every one of these hosts an ALIVE node, and each of them one node.

    It changes nothing: it waits, at most `settle_s` seconds. Former nodes that Ray
    lists as DEAD do not count. For some seconds after a node was replaced, Ray lists the
    former one as ALIVE, too, and gives it work that fails: that is waited for. Nodes
    that nobody asked for are observed, and are no difference.

    Raises:
        ProbeError: Ray refuses the token.
        VerifyError: a node is missing.

    Source: `/api/v0/nodes` of the dashboard, Ray 2.60.0.
    """

    checks_only: ClassVar[bool] = True

    nodes: tuple[ClusterNode, ...]
    data_dir: AbsPath
    dashboard_host: Line
    dashboard_port: Port = 8265
    ports: Ports = Ports()
    settle_s: float = Field(default=120, ge=0)

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
        found = json.loads(answer.body)["data"]["result"]["result"]
        return self._state([_Node.model_validate(node) for node in found])

    def _state(self, found: Sequence[_Node]) -> State:
        by_address: dict[str, list[_Node]] = {}
        # Those that are ALIVE come last: they count, where there are any.
        for node in sorted(found, key=lambda node: node.state == ALIVE):
            by_address.setdefault(node.address, []).append(node)
        state = {
            node.label: _words(by_address[node.address])
            for node in self.nodes
            if node.address in by_address
        }
        ours = {node.address for node in self.nodes}
        others = {
            f"{OTHER}{address}": f"{nodes[-1].state}, node {nodes[-1].id}"
            for address, nodes in by_address.items()
            if address not in ours and nodes[-1].state == ALIVE
        }
        return state | others

    def desired(self) -> State:
        return {node.label: ALIVE for node in self.nodes}

    def plan(self, observed: State) -> list[Change]:
        if not observed:
            # Ray does not answer: nobody knows which nodes it has.
            return [Change(node.label, UNKNOWN, ALIVE) for node in self.nodes]
        return super().plan(observed)

    def wait_ends(self) -> tuple[Settled, ...]:
        named = [("", f'"{node.address}"', "") for node in self.nodes]
        return (Settled(tuple(named)),)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def evidence(self) -> Sh:
        return unreached(self.ports.node_manager, [node.address for node in self.nodes])

    def advice(self, problem: str) -> str:
        closed = [at.rpartition(":")[0] for at in not_answering(problem)]
        there = open_there(
            ", ".join(closed), EACH_NODE, self.ports.open_to_nodes(head=False)
        )
        here = open_here(problem, EACH_NODE, self.ports.open_to_nodes(head=True))
        logs = "see `docker logs` of the Ray container on the hosts that are missing"
        return "; ".join(filter(None, [there if closed else "", here, logs]))


def _words(nodes: Sequence[_Node]) -> str:
    """The state of a host that Ray lists *nodes* of, those that are ALIVE last."""
    alive = sum(node.state == ALIVE for node in nodes)
    if alive > 1:
        return f"{ALIVE}, and {alive - 1} former listed as {ALIVE}"
    return nodes[-1].state


def unwanted(state: State) -> dict[str, str]:
    """Return what is known of each node in *state* that nobody asked for, by address."""
    return {
        field.removeprefix(OTHER): words
        for field, words in state.items()
        if field.startswith(OTHER)
    }
