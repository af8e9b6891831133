"""Observatory: self-hosted observability for data pipelines."""
