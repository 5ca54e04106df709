"""What was compiled once and does not have to be compiled again."""
