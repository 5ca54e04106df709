"""What was compiled once and need not be compiled again."""
