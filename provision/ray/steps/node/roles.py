"""Ray on a host: as the head of a cluster, or as a worker."""

from __future__ import annotations

from provision.model.fields import Line, Word
from provision.ray.steps.node.base import RayNode


class RayHead(RayNode, kind="ray_head"):
    """The head of a Ray cluster: its tables, its dashboard, and a node of its own.

    Its tables are on disk, so it can be restarted without losing the workers.

    Raises:
        RefusedError: another process has one of its ports, or another container its
            name.
        VerifyError: it is not healthy in `settle_s` seconds.

    Source: `ray start --help`, Ray 2.60.0.
    """

    dashboard_host: Line = ""
    """Where the dashboard listens; default: on `address`."""
    prometheus: Line = ""
    """A URL: where the dashboard asks for metrics."""
    grafana: Line = ""
    """A URL: whose panels the dashboard shows."""
    grafana_for_browsers: Line = ""
    """The same as browsers reach it, if they reach it elsewhere."""

    def head_address(self) -> str:
        return self.address

    def start(self) -> list[str]:
        return [
            "--head",
            "--disable-usage-stats",
            "--include-dashboard=true",
            f"--port={self.ports.head}",
            f"--ray-client-server-port={self.ports.client}",
            f"--dashboard-host={self.dashboard_host or self.address}",
            f"--dashboard-port={self.ports.dashboard}",
        ]

    def own_ports(self) -> tuple[int, ...]:
        return self.ports.of_head()

    def own_mounts(self) -> tuple[str, ...]:
        return (self.own_tables(),)

    def own_drain_s(self) -> int:
        return 0  # jobs live on it: they would hold it until the deadline

    def own_tables(self) -> str:
        return f"{self.data_dir}/gcs"

    def own_env(self) -> dict[str, str]:
        urls = {
            "RAY_PROMETHEUS_HOST": self.prometheus,
            "RAY_GRAFANA_HOST": self.grafana,
            "RAY_GRAFANA_IFRAME_HOST": self.grafana_for_browsers,
        }
        return {
            "RAY_gcs_storage": "rocksdb",
            "RAY_gcs_storage_path": f"{self.data_dir}/gcs",
            "AUTOSCALER_METRIC_PORT": str(self.ports.autoscaler_metrics),
            "DASHBOARD_METRIC_PORT": str(self.ports.dashboard_metrics),
            **{name: url for name, url in urls.items() if url},
        }


class RayWorker(RayNode, kind="ray_worker"):
    """A worker of a Ray cluster, joined to its head.

    Raises:
        RefusedError: another process has one of its ports, or another container its
            name.
        VerifyError: it has not joined in `settle_s` seconds; the message says
            whether it can reach the head.

    Source: `ray start --help`, Ray 2.60.0.
    """

    head: Word
    """The head's address in the cluster."""

    def head_address(self) -> str:
        return self.head

    def start(self) -> list[str]:
        return [f"--address={self.head}:{self.ports.head}"]

    def own_env(self) -> dict[str, str]:
        return {"RAY_gcs_rpc_server_reconnect_timeout_s": "600"}
