"""More flags of `docker run`: any that no parameter of a container sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from provision.model.fields import Line

FORM = re.compile(r"--[a-z][a-z0-9-]*(=.*)?\Z")
SET_BY: Mapping[str, str] = {
    "--cidfile": "",
    "--detach": "",
    "--device": "devices",
    "--entrypoint": "",
    "--env": "env",
    "--env-file": "env",
    "--gpus": "gpus",
    "--group-add": "groups",
    "--health-cmd": "",
    "--health-interval": "",
    "--health-retries": "",
    "--health-start-period": "",
    "--health-timeout": "",
    "--help": "",
    "--init": "",
    "--interactive": "",
    "--ipc": "ipc",
    "--label": "",
    "--label-file": "",
    "--log-driver": "log_max_mb",
    "--log-opt": "log_max_mb",
    "--memory": "memory_mb",
    "--mount": "mounts",
    "--name": "",
    "--net": "",
    "--network": "",
    "--no-healthcheck": "",
    "--publish": "ports",
    "--publish-all": "ports",
    "--pull": "",
    "--quiet": "",
    "--restart": "",
    "--rm": "",
    "--shm-size": "shm_mb",
    "--tmpfs": "mounts",
    "--tty": "",
    "--ulimit": "limits",
    "--user": "",
    "--volume": "mounts",
    "--volumes-from": "mounts",
}
"""The parameter that sets what each of these flags sets; "" = the step sets it itself."""


def flag_name(flag: str) -> str:
    """Return the name of *flag*, without its value."""
    return flag.partition("=")[0]


def _free(flag: str) -> str:
    if not FORM.match(flag):
        raise ValueError(
            "must be one flag, written in full with its value after a =, such as "
            "--cap-add=SYS_NICE"
        )
    name = flag_name(flag)
    if name in SET_BY:
        by = SET_BY[name]
        raise ValueError(
            f"{name} is set by {f'the parameter {by}' if by else 'this program'}"
        )
    return flag


RunFlag = Annotated[Line, AfterValidator(_free)]
