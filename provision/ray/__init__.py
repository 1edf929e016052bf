"""All that knows Ray, Prometheus and Grafana."""
