"""Applications of Ray Serve, by the interface of the dashboard, over SSH."""
