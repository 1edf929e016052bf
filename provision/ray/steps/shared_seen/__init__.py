"""The proof that nodes share folders: a file that one of them writes is read by all."""

from provision.ray.steps.shared_seen.shared_seen import RaySharedSeen, RaySharedWritten

__all__ = ["RaySharedSeen", "RaySharedWritten"]
