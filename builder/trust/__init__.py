"""Sums of finished files, signatures over them, whose keys are trusted, and the form of provenance."""
