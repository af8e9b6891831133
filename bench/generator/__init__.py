"""Generator that fills a database with events and with the rows that the product would make of them. Fast: see
fill.py."""
