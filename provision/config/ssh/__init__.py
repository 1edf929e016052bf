"""The settings of ssh: read from ssh_config files and from arguments, as ssh does."""

from __future__ import annotations

from provision.config.ssh.settings import SshSettings, settings

__all__ = ["SshSettings", "settings"]
