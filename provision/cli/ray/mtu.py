"""A warning of hosts with different MTUs, which no host alone can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.model.result import Run


def show_mtu_differences(run: Run) -> None:
    """Show which hosts of *run* have another MTU where their Ray is, if some have."""
    from provision.ray.steps.network.ray_network import RayNetwork, mtu_differences
    from provision.report.console import output
    from provision.report.text import escape

    observed = {
        name: step.observed
        for name, host in run.hosts.items()
        for step in host.steps
        if step.kind == RayNetwork.kind and not step.error
    }
    if warning := mtu_differences(observed):
        output().show("", f"warning: {escape(warning)}")
