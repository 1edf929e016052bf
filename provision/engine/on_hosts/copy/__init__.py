"""Files and folders from this machine to hosts and back: resumed, and checked at the end."""

from provision.engine.on_hosts.copy.copy import Copied, copy

__all__ = ["Copied", "copy"]
