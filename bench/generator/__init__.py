"""Fills a database with events, and with everything that the product would have made of them. Fast: see fill.py."""
