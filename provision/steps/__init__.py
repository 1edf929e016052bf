"""The kinds of steps; a module is imported when one of its kinds is first used."""

from __future__ import annotations

BUILTIN = {
    "archive": "provision.steps.archive:Archive",
    "directory": "provision.steps.files:Directory",
    "docker_container": "provision.steps.docker_container:DockerContainer",
    "docker_container_absent": "provision.steps.docker_container:DockerContainerAbsent",
    "docker_engine": "provision.steps.docker_engine:DockerEngine",
    "docker_engine_absent": "provision.steps.docker_engine_absent:DockerEngineAbsent",
    "docker_image": "provision.steps.docker_image:DockerImage",
    "docker_image_absent": "provision.steps.docker_image:DockerImageAbsent",
    "file": "provision.steps.files:File",
    "file_absent": "provision.steps.files:FileAbsent",
    "packages": "provision.steps.packages:Packages",
    "packages_absent": "provision.steps.packages:PackagesAbsent",
    "prometheus_targets": "provision.steps.prometheus_targets:PrometheusTargets",
    "ray_dashboards": "provision.steps.ray_dashboards:RayDashboards",
    "ray_drained": "provision.steps.ray_drained:RayDrained",
    "ray_firewall": "provision.steps.ray_firewall:RayFirewall",
    "ray_firewall_absent": "provision.steps.ray_firewall:RayFirewallAbsent",
    "ray_head": "provision.steps.ray_roles:RayHead",
    "ray_nodes": "provision.steps.ray_nodes:RayNodes",
    "ray_previous": "provision.steps.ray_previous:RayPrevious",
    "ray_worker": "provision.steps.ray_roles:RayWorker",
    "reachable": "provision.steps.reachable:Reachable",
    "retired_secrets": "provision.steps.retired_secrets:RetiredSecrets",
    "service": "provision.steps.services:Service",
    "service_absent": "provision.steps.services:ServiceAbsent",
    "systemd_unit": "provision.steps.systemd_units:SystemdUnit",
    "systemd_unit_absent": "provision.steps.systemd_units:SystemdUnitAbsent",
    "user": "provision.steps.users:User",
    "user_absent": "provision.steps.users:UserAbsent",
}
"""Kind to `module:Class`; the whole vocabulary of playbooks."""
