"""Commands about jobs: run, jobs, job.logs, job.stop."""
