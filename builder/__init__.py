"""Builds a Python runtime of your own: interpreter, packages, patches and scripts as one portable artifact."""
