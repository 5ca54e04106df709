"""Programs that run inside a build, by the Python just built; they import nothing but the standard library."""
