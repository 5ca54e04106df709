"""What is downloaded: pinned by digest, verified while it streams in."""
