"""Ray's own Grafana dashboards."""

from provision.ray.steps.dashboards.dashboards import RayDashboards

__all__ = ["RayDashboards"]
