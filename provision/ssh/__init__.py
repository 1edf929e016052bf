"""The transport over SSH; the only place that imports fabric and paramiko."""

from __future__ import annotations

from provision.ssh.look import check_key
from provision.ssh.scripts import SshTransport

__all__ = ["SshTransport", "check_key"]
