"""The interpreter: CPython and the libraries inside it, cross-compiled or in place."""
