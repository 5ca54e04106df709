"""Programs that run inside a build, by the Python just built; what else they import is shipped with them."""
