"""The settings of ssh: read from ssh_config files and from arguments, as ssh does."""

from __future__ import annotations

from provision.config.ssh.algorithms import chosen
from provision.config.ssh.arguments import KEYS_CHECKED, arguments
from provision.config.ssh.resolve import SshRequest, resolve
from provision.config.ssh.settings import SshSettings

__all__ = [
    "KEYS_CHECKED",
    "SshRequest",
    "SshSettings",
    "arguments",
    "chosen",
    "resolve",
]
