"""Parts of the benchmark. Each has `run(options)`, which returns a section of the report."""
