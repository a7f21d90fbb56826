"""Exit statuses of the pods' programs on which the operator acts."""

CANNOT_LISTEN = 3
"""Of a media node: one of its ports or addresses cannot be had where it runs."""
