"""Applications of Ray Serve: deployed, looked at and stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack

from provision.engine.run import ClusterOptions, Hosts
from provision.errors import HostError, VerifyError
from provision.ray.jobs.dashboard import Head, UnavailableError
from provision.ray.jobs.jobs import connected_to
from provision.ray.serving.config import read_config

PLACE = "/api/serve/applications/"
RUNNING = "RUNNING"
FAILED = frozenset(("DEPLOY_FAILED", "UNHEALTHY"))
POLL_S = 1.0
WAIT_S = 300.0
"""Seconds that applications have to run after they were deployed, by default."""
LAST_LINES = 12
"""Lines of Serve's message that are shown of an application that failed."""


@dataclass(frozen=True, slots=True)
class Application:
    """An application of Ray Serve.

    Attributes:
        name: its name.
        status: Serve's word: DEPLOYING, RUNNING, DEPLOY_FAILED, UNHEALTHY, DELETING.
        route_prefix: the beginning of the paths that it answers; "" = none.
        message: what Serve says about its status.
        deployed_s: when it was deployed last, in seconds since 1970; 0 = unknown.
        deployments: the status of each of its deployments, by name.
    """

    name: str
    status: str
    route_prefix: str = ""
    message: str = ""
    deployed_s: float = 0
    deployments: Mapping[str, str] = field(default_factory=dict)


def _application(name: str, found: Mapping[str, Any]) -> Application:
    deployments = (found.get("deployments") or {}).items()
    return Application(
        name,
        str(found.get("status", "UNKNOWN")),
        str(found.get("route_prefix") or ""),
        str(found.get("message") or ""),
        found.get("last_deployed_time_s") or 0,
        {name: str(one.get("status", "UNKNOWN")) for name, one in deployments},
    )


def _applications(head: Head) -> list[Application]:
    try:
        found = head.ask("GET", PLACE)
    except UnavailableError as error:
        raise UnavailableError(
            f"{head.name}: Ray Serve is not in the image of the cluster",
            hint="deploy with `ray_image: rayproject/ray:VERSION`, which has it; or add "
            "this line to the Dockerfile of yours: RUN pip install 'ray[serve]==VERSION'",
        ) from error
    applications = ((found or {}).get("applications") or {}).items()
    return [_application(name, one) for name, one in sorted(applications)]


def serve_status(
    inventory: Hosts, **options: Unpack[ClusterOptions]
) -> list[Application]:
    """Return the applications that Ray Serve has; none where it was not started.

    Raises:
        HostError: the head cannot be reached, or its Ray has no Serve.
    """
    with connected_to(inventory, options) as head:
        return _applications(head)


def serve_deploy(
    inventory: Hosts,
    config: str,
    *,
    wait_s: float = WAIT_S,
    changed: Callable[[Application], object] = lambda application: None,
    **options: Unpack[ClusterOptions],
) -> list[Application]:
    """Deploy the applications of a configuration of Serve's, and wait until they run.

    Serve takes the file as the whole: an application that it does not have is removed.

    Args:
        inventory: the cluster.
        config: a YAML file in the format of Serve.
        wait_s: seconds that all of them may take.
        changed: called with each application when its status has changed.
        options: `sets`, `credentials`.

    Raises:
        OptionError: the file is no such configuration; nothing was sent.
        HostError: the head cannot be reached, its Ray has no Serve, or refuses the file.
        VerifyError: an application failed, or does not run after *wait_s* seconds.
    """
    content = read_config(config, options.get("credentials"))
    with connected_to(inventory, options) as head:
        before = {one.name: one.deployed_s for one in _applications(head)}
        head.ask("PUT", PLACE, content)
        # Serve calls an application that has no name `default`.
        names = [str(one.get("name", "default")) for one in content["applications"]]
        return _wait(head, names, before, wait_s, changed)


def _wait(
    head: Head,
    names: Sequence[str],
    before: Mapping[str, float],
    wait_s: float,
    changed: Callable[[Application], object],
) -> list[Application]:
    """Wait until the applications *names*, deployed at other times than *before*, run."""
    until = time.monotonic() + wait_s
    seen: dict[str, str] = {}
    while True:
        new = [
            one
            for one in _applications(head)
            if one.name in names and one.deployed_s != before.get(one.name, 0)
        ]
        for one in new:
            if seen.get(one.name) != one.status:
                changed(one)
            seen[one.name] = one.status
        for one in new:
            if one.status in FAILED:
                raise _failure(head, one)
        if [one.name for one in new if one.status == RUNNING] == sorted({*names}):
            return new
        if time.monotonic() > until:
            raise VerifyError(_late(head, names, seen, wait_s))
        time.sleep(POLL_S)


def _failure(head: Head, one: Application) -> HostError:
    lines = one.message.strip().splitlines()
    return VerifyError(
        f"{head.name}: application {one.name} is {one.status}",
        details=lines[-LAST_LINES:],
        hint="mend it, and deploy it again; `serve.status` shows the others. A module "
        "must be in the image, or in `runtime_env: {working_dir: URL}`",
    )


def _late(
    head: Head, names: Sequence[str], seen: Mapping[str, str], wait_s: float
) -> str:
    states = [f"{name} is {seen.get(name, 'not there yet')}" for name in names]
    return f"{head.name}: after {wait_s:g} s {', '.join(states)}"


def serve_stop(inventory: Hosts, **options: Unpack[ClusterOptions]) -> list[str]:
    """Stop Ray Serve with all its applications; return their names.

    Raises:
        HostError: the head cannot be reached, or its Ray has no Serve.
    """
    with connected_to(inventory, options) as head:
        names = [one.name for one in _applications(head)]
        head.ask("DELETE", PLACE)
    return names
