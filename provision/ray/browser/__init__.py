"""Ray's dashboard, Grafana and Prometheus in the browser of this machine."""
