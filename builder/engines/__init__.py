"""Where build steps run: a Docker container, or this host."""
