"""Finished artifacts, looked at again: what one holds, how two of them differ, and whether one is what was packed."""
