"""Metrics of GPUs that nvidia-smi alone tells, for node_exporter."""

from provision.steps.gpu.metrics.nvidia_metrics import NvidiaMetrics

__all__ = ["NvidiaMetrics"]
