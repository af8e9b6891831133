"""The only raw SQL that writes lineage rows: set-based statements over sorted rows."""
