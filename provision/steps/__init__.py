"""The kinds of steps; a module is imported when one of its kinds is first used."""

from __future__ import annotations

BUILTIN = {
    "archive": "provision.steps.files.archive:Archive",
    "directory": "provision.steps.files.file:Directory",
    "docker_build": "provision.steps.docker.build:DockerBuild",
    "docker_container": "provision.steps.docker.container.container:DockerContainer",
    "docker_container_absent": "provision.steps.docker.container.container:DockerContainerAbsent",
    "docker_engine": "provision.steps.docker.engine.engine:DockerEngine",
    "docker_engine_absent": "provision.steps.docker.engine.engine_absent:DockerEngineAbsent",
    "docker_gpus": "provision.steps.gpu.toolkit.docker_gpus:DockerGpus",
    "docker_image": "provision.steps.docker.image:DockerImage",
    "docker_image_absent": "provision.steps.docker.image:DockerImageAbsent",
    "file": "provision.steps.files.file:File",
    "file_absent": "provision.steps.files.absent.file_absent:FileAbsent",
    "manifest_clean": "provision.steps.manifest.manifest:ManifestClean",
    "mount": "provision.steps.mounts.mount:Mount",
    "mount_absent": "provision.steps.mounts.mount:MountAbsent",
    "nfs_export": "provision.steps.mounts.nfs_export:NfsExport",
    "nfs_export_absent": "provision.steps.mounts.nfs_export:NfsExportAbsent",
    "nvidia_metrics": "provision.steps.gpu.metrics:NvidiaMetrics",
    "nvidia_toolkit": "provision.steps.gpu.toolkit.nvidia_toolkit:NvidiaToolkit",
    "packages": "provision.steps.packages.packages:Packages",
    "packages_absent": "provision.steps.packages.absent.packages_absent:PackagesAbsent",
    "python_environment": "provision.steps.python.environment:PythonEnvironment",
    "reachable": "provision.steps.system.reachable:Reachable",
    "retired_secrets": "provision.steps.files.retired_secrets:RetiredSecrets",
    "service": "provision.steps.services.service:Service",
    "service_absent": "provision.steps.services.service:ServiceAbsent",
    "systemd_unit": "provision.steps.services.units.systemd_unit:SystemdUnit",
    "systemd_unit_absent": "provision.steps.services.units.unit_absent:SystemdUnitAbsent",
    "user": "provision.steps.system.users:User",
    "user_absent": "provision.steps.system.users:UserAbsent",
}
"""Kind to `module:Class`; the whole vocabulary of playbooks."""
