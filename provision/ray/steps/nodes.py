"""The check that all nodes of a Ray cluster are alive, made on its head."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from provision.errors import ProbeError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step
from provision.ray.steps.node.diagnosis.firewalls import (
    closed_ports,
    not_answering,
    open_here,
    open_there,
    unreached,
)
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.stop_mark.mark import (
    ON_PURPOSE,
    STAYS_STOPPED,
    STOPPED,
    mark_path,
    notes_dir,
    purpose,
    read_marks,
)
from provision.steps.http import parse_http

PROBE = read_shell(__file__, "nodes.sh")
TRY_TOKENS = read_shell(__file__, "try_tokens.sh")
ALIVE = "ALIVE"
"""Ray's word for a node that works."""
UNKNOWN = "unknown"
"""State of what could not be asked, such as all nodes while Ray does not answer."""
CLOSED = f"{ALIVE}, but TCP "
"""Beginning of the state of a node whose ports the head does not reach.

For about a minute after its last sign of life, Ray calls such a node ALIVE.
"""
CLOSED_NODE = re.compile(rf"\((\S+)\): {CLOSED}")
OTHER = "other."
"""Prefix of the fields of nodes that are not among those that should be there."""
REFUSED = "refused"
"""Outcome of a connection to a port where nothing listens, or that a rule rejects."""
UNANSWERED = (": no answer", ": No route to host")
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
    own_ports: Any = Field(default=None, exclude=True, repr=False)
    """The variable `ray_ports` of the host, as its inventory has it."""

    @model_validator(mode="before")
    @classmethod
    def _of_host(cls, given: Any) -> Any:
        found = getattr(given, "vars", None)
        if not isinstance(found, Mapping):
            return given
        about = {"name": given.name, "address": given.address, "where": given.where}
        return {**about, "own_ports": found.get("ray_ports")}

    @property
    def label(self) -> str:
        """Return what a plan calls it."""
        return f"{self.name} ({self.address})"


class RayNodes(Step, kind="ray_nodes"):
    """Ray calls every one of these hosts an ALIVE node, and each of them one node.

    A node counts only if this host reaches its ports for the other nodes as well: Ray
    calls one behind a firewall ALIVE until it has missed it for about a minute.

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
    other_ports: dict[str, Port] = {}
    """Ports of other programs on the head, by the variable that sets them."""
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

    @model_validator(mode="after")
    def _one_port_each(self) -> Self:
        self.ports.check_others(self.other_ports)
        return self

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            *self._places(),
            token_file=f"{self.data_dir}/auth_token",
            host=self.dashboard_host,
            port=self.dashboard_port,
            stop_mark=mark_path(self.data_dir),
            notes_dir=notes_dir(self.data_dir),
        )

    def _places(self) -> list[str]:
        """Return the addresses and ports where every node must take connections."""
        ports = (self.ports.node_manager, self.ports.object_manager)
        return [f"{node.address}:{port}" for node in self.nodes for port in ports]

    def try_tokens(self, *tokens: str) -> Sh:
        """Return shell that prints the code with which Ray answers each of *tokens*."""
        host, port = self.dashboard_host, self.dashboard_port
        return Sh.of(TRY_TOKENS, *tokens, host=host, port=port)

    def observe(self, reply: Reply) -> State:
        mark, stopped, rest = read_marks(reply.stdout)
        if mark:
            return {STOPPED: mark}
        asked, response = _apart(rest)
        answer = parse_http(response)
        if answer.code in TOKEN_REFUSED:
            raise ProbeError(f"Ray refuses the token: {answer.body}")
        if answer.code != OK:
            return {}
        found = json.loads(answer.body)["data"]["result"]["result"]
        state = self._state([_Node.model_validate(node) for node in found])
        state = {**state, **self._stopped(state, stopped)}
        return {**state, **dict(self._closed(state, closed_ports(asked)))}

    def _stopped(self, state: State, stopped: Set[str]) -> State:
        """Return the fields of nodes that were stopped on purpose, and run no more."""
        return {
            node.label: ON_PURPOSE
            for node in self.nodes
            if node.address in stopped and state.get(node.label) != ALIVE
        }

    def _closed(
        self, state: State, found: Mapping[str, Mapping[int, str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield the fields of nodes that are ALIVE and that a firewall closes."""
        # A port that refuses is one of a firewall, or of a node that has other ports.
        alike = all(node.own_ports == self.nodes[0].own_ports for node in self.nodes)
        for node in self.nodes:
            closed = {
                port: why
                for port, why in found.get(node.address, {}).items()
                if alike or why != REFUSED
            }
            if closed and state.get(node.label) == ALIVE:
                ports, whys = ",".join(map(str, closed)), set(closed.values())
                said = " or ".join(sorted(whys))
                yield node.label, f"{CLOSED}{ports} is closed to the head: {said}"

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
        if purpose(observed):
            return []
        if not observed:
            # Ray does not answer: nobody knows which nodes it has.
            return [Change(node.label, UNKNOWN, ALIVE) for node in self.nodes]
        return [one for one in super().plan(observed) if one.before != ON_PURPOSE]

    def wait_ends(self) -> tuple[Settled, ...]:
        named = [("", f'"{node.address}"', "") for node in self.nodes]
        # A node that was stopped on purpose is named with its note.
        return (Settled(tuple(named)), STAYS_STOPPED)

    def hopeless(self, first: State, now: State) -> str:
        # A firewall does not open by itself; a node that refuses may be starting again.
        closed = [
            node.name
            for node in self.nodes
            if first.get(node.label) == now.get(node.label)
            and any(now.get(node.label, "").endswith(why) for why in UNANSWERED)
        ]
        return f"the head does not reach {', '.join(closed)}" if closed else ""

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def evidence(self) -> Sh:
        port = self.ports.node_manager
        return unreached(*(f"{node.address}:{port}" for node in self.nodes))

    def advice(self, problem: str) -> str:
        dropped = [at.rpartition(":")[0] for at in not_answering(problem)]
        closed = list(dict.fromkeys([*CLOSED_NODE.findall(problem), *dropped]))
        nodes = [node.address for node in self.nodes]
        # A node needs no rule for itself.
        others = [address for address in nodes if [address] != closed]
        there = open_there(
            ", ".join(closed), others, self.ports.open_to_nodes(head=False)
        )
        here = open_here(problem, nodes[1:], self.ports.open_to_nodes(head=True))
        logs = "see `docker logs` of the Ray container on the hosts that are missing"
        return "; ".join(filter(None, [there if closed else "", here, logs]))


def _apart(output: str) -> tuple[str, str]:
    """Return the lines about connections, and the answer of the dashboard after them."""
    lines, answer = "", output
    while answer.startswith("connection to "):
        line, _, answer = answer.partition("\n")
        lines += f"{line}\n"
    return lines, answer


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
