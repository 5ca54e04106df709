"""How fast the finished runtime is, next to other builds of Python."""
