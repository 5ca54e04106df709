"""The Debian root file systems that steps run in: locked, resolved, unpacked."""
