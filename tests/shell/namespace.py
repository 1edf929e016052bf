"""Network namespaces: a kernel's tables of rules that only one test has."""

from __future__ import annotations

import shutil
import subprocess

import pytest

TRY = "iptables -S && ip6tables -S"


def in_namespace(
    shell: tuple[str, ...], script: str
) -> subprocess.CompletedProcess[str]:
    """Run *script* in a network namespace of its own."""
    return subprocess.run(
        ["unshare", "--net", *shell],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )


def possible() -> bool:
    """True if this machine lets us make one, and has iptables."""
    tools = ("unshare", "iptables-restore", "ip6tables-restore")
    return all(map(shutil.which, tools)) and not in_namespace(("sh",), TRY).returncode


NEEDS_NAMESPACE = pytest.mark.skipif(
    not possible(), reason="needs root, unshare and iptables"
)
