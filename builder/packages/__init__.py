"""What a build leaves in ARTIFACT_DIR."""
