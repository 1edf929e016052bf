"""The two roles of Ray nodes: the head of a cluster, and a worker."""

from __future__ import annotations

from typing import ClassVar

from provision.model.fields import Line, Word
from provision.ray.steps.node.start.ray_start import RayStart
from provision.steps.network.address import host_port


class HeadRole(RayStart):
    """The head of a Ray cluster: its tables, its dashboard, and a node of its own.

    Its tables are on disk, so it can be restarted without losing the workers.
    """

    is_first: ClassVar[bool] = True

    dashboard_host: Line = ""
    """The address that the dashboard listens on; default: `address`."""
    prometheus: Line = ""
    """The URL where the dashboard asks for metrics."""
    grafana: Line = ""
    """The URL of the Grafana whose panels the dashboard shows."""
    grafana_for_browsers: Line = ""
    """The URL at which browsers reach Grafana, if it is another."""

    def head_address(self) -> str:
        return self.address

    def role_flags(self) -> list[str]:
        return [
            "--head",
            "--disable-usage-stats",
            "--include-dashboard=true",
            f"--port={self.ports.head}",
            f"--ray-client-server-port={self.ports.client}",
            f"--dashboard-host={self.dashboard_host or self.address}",
            f"--dashboard-port={self.ports.dashboard}",
        ]

    def listening_ports(self) -> tuple[int, ...]:
        return self.ports.of_head()

    def drain_limit_s(self) -> int:
        return 0  # jobs run on it: draining would wait for them until the deadline

    def tables_dir(self) -> str:
        return f"{self.data_dir}/gcs"

    def role_env(self) -> dict[str, str]:
        urls = {
            "RAY_PROMETHEUS_HOST": self.prometheus,
            "RAY_GRAFANA_HOST": self.grafana,
            "RAY_GRAFANA_IFRAME_HOST": self.grafana_for_browsers,
        }
        return {
            "RAY_gcs_storage": "rocksdb",
            "RAY_gcs_storage_path": self.tables_dir(),
            "AUTOSCALER_METRIC_PORT": str(self.ports.autoscaler_metrics),
            "DASHBOARD_METRIC_PORT": str(self.ports.dashboard_metrics),
            **{name: url for name, url in urls.items() if url},
        }


class WorkerRole(RayStart):
    """A worker of a Ray cluster, joined to its head."""

    head: Word
    """The head's address in the cluster."""

    def head_address(self) -> str:
        return self.head

    def role_flags(self) -> list[str]:
        return [f"--address={host_port(self.head, self.ports.head)}"]

    def role_env(self) -> dict[str, str]:
        return {"RAY_gcs_rpc_server_reconnect_timeout_s": "600"}
