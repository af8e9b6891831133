"""Events in, rows out. See README.md."""
