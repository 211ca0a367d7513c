"""What the workflow itself needs: job set-up, code digests, stale locks, run records."""
