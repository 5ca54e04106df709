"""Where build steps run: a Docker container, a sandbox, or this machine."""
