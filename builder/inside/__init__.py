"""Programs that run inside a build, by the Python just built; they import no other library than pyelftools."""
