"""The process of a Ray node from before the last replacement."""

from provision.ray.steps.previous_process.previous_process import RayPreviousProcess

__all__ = ["RayPreviousProcess"]
