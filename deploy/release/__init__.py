"""What makes a release: `python -m deploy.release`."""
