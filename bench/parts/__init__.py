"""The parts of the benchmark. Each has `run(options)`, which gives a section of the report."""
