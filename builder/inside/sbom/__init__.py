"""The SBOM of a finished tree: a CycloneDX document that names everything inside."""
