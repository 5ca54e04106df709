"""What each Nox session does."""
