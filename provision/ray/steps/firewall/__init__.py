"""The firewall of a Ray cluster: its ports, closed to all but its hosts."""

from provision.ray.steps.firewall.firewall import RayFirewall, RayFirewallAbsent

__all__ = ["RayFirewall", "RayFirewallAbsent"]
