"""What every process is built on, whatever it does: logs, certificates, settings, pauses and rates.

The lowest layer: it imports none of our other packages, and no framework of the web or of Kubernetes.
"""
