"""Exit statuses of our programs."""

FAILED = 1
"""Something could not be done, or something without which the process is of no use has ended."""
MISUSED = 2
"""An option or a variable is wrong."""
CANNOT_LISTEN = 3
"""Of a media node: one of its ports or addresses cannot be had where it runs. The operator acts on it."""
LOST_LEASE = 3
"""Of the operator: whoever starts it starts it again, as a standby."""
