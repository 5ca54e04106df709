"""How fast the finished runtime is, beside other builds of Python."""
