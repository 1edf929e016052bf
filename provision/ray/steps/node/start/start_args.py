"""More options of `ray start`: any that this program does not set itself.

Source: `ray start --help`, Ray 2.60.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from provision.model.fields import Line

FORM = re.compile(r"--[a-z][a-z0-9-]*(=.*)?\Z")
ITSELF, PORTS = "this program", "ray_ports"
SET_BY: Mapping[str, str] = {
    "--address": ITSELF,
    "--block": ITSELF,
    "--dashboard-agent-grpc-port": PORTS,
    "--dashboard-agent-listen-port": PORTS,
    "--dashboard-host": "ray_dashboard_host",
    "--dashboard-port": PORTS,
    "--disable-usage-stats": ITSELF,
    "--head": ITSELF,
    "--help": ITSELF,
    "--include-dashboard": ITSELF,
    "--labels": "ray_labels",
    "--max-worker-port": PORTS,
    "--metrics-export-port": PORTS,
    "--min-worker-port": PORTS,
    "--node-ip-address": "the variable `address` of the host",
    "--node-manager-port": PORTS,
    "--num-cpus": "ray_num_cpus",
    "--num-gpus": "ray_num_gpus",
    "--object-manager-port": PORTS,
    "--object-store-memory": "ray_object_store_memory_mb",
    "--port": PORTS,
    "--ray-client-server-port": PORTS,
    "--resources": "ray_resources",
    "--runtime-env-agent-port": PORTS,
    "--temp-dir": "data_dir",
}
"""Options that are taken, and the setting that each belongs to."""


def _free(argument: str) -> str:
    if not FORM.match(argument):
        raise ValueError(
            "must be one option of `ray start`, written in full with its value after a =, "
            "such as --object-spilling-directory=/scratch"
        )
    name = argument.partition("=")[0]
    if by := SET_BY.get(name):
        raise ValueError(f"{name} is set by {by}: it cannot be given a second time")
    return argument


StartArg = Annotated[Line, AfterValidator(_free)]
