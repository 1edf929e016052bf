"""The transport over SSH; the only place that imports fabric and paramiko."""

from __future__ import annotations

from provision.transport.ssh.key_scan import check_key
from provision.transport.ssh.transport import SshTransport

__all__ = ["SshTransport", "check_key"]
