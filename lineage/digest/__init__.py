"""Events folded into rows: pure, and the same whatever the order of the events."""
