"""Records of Ray's jobs, which outlive Ray."""

from provision.ray.steps.job_records.job_records import RayJobRecords

__all__ = ["RayJobRecords"]
