"""What push.py measures with: data, engines, a slow link, the pushers and the rows."""
