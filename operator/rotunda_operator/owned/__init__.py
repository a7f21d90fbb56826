"""Server-side apply of objects that the operator owns: an object is written only where actual and desired
differ.

Reading order: `fields` (the API server's record of who set which fields), `compare`, `write`.
"""
