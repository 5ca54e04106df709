"""Programs that prove a finished runtime, each run by its own Python; one that finds a difference says so and fails."""
