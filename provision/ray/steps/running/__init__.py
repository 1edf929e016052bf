"""Nodes of Ray that a person stops on purpose, and starts again."""

from provision.ray.steps.running.notes import RayStopNoted, RayStopNotNoted
from provision.ray.steps.running.running import RayStarted, RayStopped

__all__ = ["RayStarted", "RayStopNotNoted", "RayStopNoted", "RayStopped"]
