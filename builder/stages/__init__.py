"""The stages of a build, each a list of steps: data, decided before anything runs."""
