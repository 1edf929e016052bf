"""The check that a node of Ray has the GPUs of its host."""

from provision.ray.steps.gpus_seen.gpus_seen import GpusSeen

__all__ = ["GpusSeen"]
