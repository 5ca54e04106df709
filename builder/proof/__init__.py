"""How a finished package is proved in a place where it was never built."""
