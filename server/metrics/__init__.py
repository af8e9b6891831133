"""What the product tells Prometheus, at /metrics. Each room counts for itself; docs/metrics.md lists it all."""
