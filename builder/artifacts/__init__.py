"""Finished artifacts, looked at again: what one holds, and how two of them differ."""
