"""A file of Ray's own tests, run on the head with the Ray of the cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Unpack

from provision.config.inventory import Host, Inventory
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import HostError, InventoryError, OptionError
from provision.invocation import program
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.ray.head import PLAYBOOK, head_of, head_steps
from provision.ray.steps.node.roles import RayHeadProcess
from provision.ray.testing.advice import NO_PYTEST, advice
from provision.transport.query import ask

RUN_TEST = read_shell(__file__, "run_test.sh")
DEFAULT = "python/ray/tests/test_mini.py"
LIMIT_S = 600
LAST_LINES = 25
"""Lines of the output that are kept."""
FILE = re.compile(r"(?:python/(?P<ray>ray/.+)|(?P<rllib>rllib/.+))\.py\Z")
NO_NODE, NO_FILE, NO_PROGRAM, OVER = 96, 97, 98, 124
"""Exit codes of the script."""


@dataclass(frozen=True, slots=True)
class RayTest:
    """The result of a file of tests.

    Attributes:
        file: its path in Ray's repository, with the test if only one was run.
        host: where it ran.
        commit: of the sources that ran; "" = the Ray of a wheel alone.
        exit: pytest's exit code; 0 = all have passed.
        lines: the last lines of the output.
        advice: what to do about it; "" = nothing is known.
    """

    file: str
    host: str
    commit: str
    exit: int
    lines: tuple[str, ...]
    advice: str = ""

    @property
    def passed(self) -> bool:
        """True if all tests have passed."""
        return self.exit == 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "lines": [*self.lines], "passed": self.passed}


def run_ray_test(
    inventory: Hosts,
    file: str = DEFAULT,
    *words: str,
    limit_s: int = LIMIT_S,
    **options: Unpack[ClusterOptions],
) -> RayTest:
    """Run a file of Ray's own tests on the head, in a Ray of its own.

    Args:
        inventory: the cluster.
        file: its path in Ray's repository; `::NAME` behind it is one test.
        words: more arguments of pytest.
        limit_s: seconds after which it is ended; its exit code is then 124.
        options: `sets`, `credentials`.

    Raises:
        InputErrors: the inventory or the path is wrong, or Ray runs in containers.
        HostError: there is no such file on the head, no pytest, or no Ray.
        ConnectError: the head cannot be reached.
    """
    path, test_id = _on_host(file)
    cluster = load_inventory(inventory, options)
    head, node = head_of(cluster), _node(cluster, options.get("sets", {}))
    sh = Sh.of(
        RUN_TEST,
        *words,
        process=node.folder,
        file=path,
        test_id=test_id,
        limit_s=limit_s,
    )
    return _result(ask(head, sh, limit_s + 60.0), file, head)


def _on_host(file: str) -> tuple[str, str]:
    """Return where *file* is beside the package ray, and the id of the test in it."""
    path, colons, name = file.partition("::")
    found = FILE.match(path)
    if not found or ".." in path.split("/"):
        raise OptionError(
            f"{path!r} is no file of tests of Ray",
            hint=f"write its path from the root of the repository, such as {DEFAULT}",
        )
    inside = found["ray"] or f"ray/{found['rllib']}"
    return f"{inside}.py", colons + name


def _node(cluster: Inventory, sets: Mapping[str, Any]) -> RayHeadProcess:
    for step in head_steps(cluster, PLAYBOOK, sets):
        if isinstance(step, RayHeadProcess):
            return step
    raise InventoryError(
        "Ray runs in containers, whose images have none of Ray's tests",
        hint="deploy with `ray_runtime: source`; see docs/runtimes.md",
    )


def _result(reply: Reply, file: str, head: Host) -> RayTest:
    """Return what *reply* means.

    Raises:
        HostError: nothing was tested.
    """
    commit, _, output = reply.stdout.partition("\n")
    if reply.exit == NO_NODE:
        raise HostError(
            f"{head.name}: there is no Ray node", hint=f"`{program()} deploy` brings it"
        )
    if reply.exit == NO_FILE:
        where = f"the sources at {commit[:10]} have" if commit else "a wheel has"
        hint = (
            "take the path from the root of the repository"
            if commit
            else "deploy with `ray_runtime: source`; see docs/runtimes.md"
        )
        raise HostError(f"{head.name}: {where} no {file.partition('::')[0]}", hint=hint)
    if reply.exit == NO_PROGRAM:
        problem, hint = NO_PYTEST
        raise HostError(problem.format(host=head.name), hint=hint)
    if reply.exit is None or not reply.ended:
        raise HostError(f"{head.name}: the test was cut off", details=reply.tails())
    lines = tuple(output.rstrip().splitlines()[-LAST_LINES:])
    why = advice(output) if reply.exit not in (0, OVER) else ""
    return RayTest(file, head.name, commit, reply.exit, lines, why)
