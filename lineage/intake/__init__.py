"""HTTP in: route, key, limits, body, decode, commit, answer. What an event means is digest's business."""
