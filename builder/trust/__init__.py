"""Sums of finished files, signatures over them, and whose keys are trusted."""
