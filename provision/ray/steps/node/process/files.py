"""The files of a node's process: how it is started, alone and by systemd."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from provision.model.shell import quote
from provision.steps.docker.container.parameters.limits import UNLIMITED

RUN = """# Runs a command with the environment of the Ray node. Made by provision.
{exports}
PATH={bin}:$PATH
export PATH
exec "$@"
"""
START = "# Starts the Ray node. Made by provision.\n"
UNIT = """# Made by provision.
[Unit]
Description=Ray of the cluster {cluster}
Wants=network-online.target
After=network-online.target
# A worker ends again and again until its head is there.
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh {start}
User={user}
WorkingDirectory=/
{limits}TasksMax=infinity
# A worker that the kernel ends for its memory is Ray's to replace.
OOMPolicy=continue
# Ray ends its own processes; what is left then is killed at once.
KillMode=mixed
Restart=always
RestartSec=3
TimeoutStopSec={stop_s}

[Install]
WantedBy=multi-user.target
"""
SPECIAL = re.compile(r'[\\"]')


def run_file(folder: str, data_dir: str, env: Mapping[str, str]) -> str:
    """Return the script that runs a command with the environment *env* of a node.

    Args:
        folder: of the node's process.
        data_dir: where Ray keeps its own files.
        env: values by name.
    """
    own = {
        # Else Ray notes this cluster in /tmp as the one of the host.
        "RAY_TMPDIR": data_dir,
        # Ray takes what it finds there for its own: a user's packages, or a proxy's.
        "PYTHONNOUSERSITE": "1",
    }
    exports = [
        f"export {name}={quote(value)}" for name, value in {**own, **env}.items()
    ]
    path = quote(f"{folder}/environment/bin")
    return RUN.replace("{exports}", "\n".join(exports)).replace("{bin}", path)


def start_file(folder: str, command: Sequence[str]) -> str:
    """Return the script that starts Ray by *command*."""
    words = " ".join(map(quote, command))
    return f"{START}exec sh {quote(f'{folder}/run')} {words}\n"


def unit_file(
    folder: str, cluster: str, user: str, limits: Mapping[str, int], stop_s: int
) -> str:
    """Return the unit file of a node.

    Source: systemd.syntax(7) and systemd.service(5): quotes, `%` and `$`.
    """
    start = SPECIAL.sub(r"\\\g<0>", f"{folder}/start")
    start = start.replace("%", "%%").replace("$", "$$")
    lines = (
        f"Limit{name.upper()}={'infinity' if most == UNLIMITED else most}\n"
        for name, most in limits.items()
    )
    return UNIT.format(
        cluster=cluster,
        start=f'"{start}"',
        user=user,
        limits="".join(lines),
        stop_s=stop_s,
    )
