"""Docker's health check of a node: its agent answers."""

from __future__ import annotations

HEALTH_COMMAND = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && "
    'printf "GET /api/healthz HTTP/1.0\\r\\n\\r\\n" >&3 && '
    'read -r _ code _ <&3 && [ "$code" = 200 ] && '
    "{ touch /tmp/provision-was-healthy 2>/dev/null; true; }'"
)
"""It is run in the container, and marks one that was healthy once.

It is part of what the container is made from: another text replaces every node.
"""


def health_command(port: int) -> str:
    """Return the check of the agent at *port*."""
    return HEALTH_COMMAND.replace("{port}", str(port))
