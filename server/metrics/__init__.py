"""Metrics for Prometheus, at /metrics. Each room has its own counters; docs/metrics.md lists all of them."""
