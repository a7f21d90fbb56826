"""Objects that the operator makes for others to run: written by server-side apply, and compared whole.

Reading order: `fields` (who set what, as the API server records it), `compare`, `write`.
"""
