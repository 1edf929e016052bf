"""The host of these tests."""

from __future__ import annotations

from support.mount_host import host

__all__ = ["host"]
