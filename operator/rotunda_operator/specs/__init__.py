"""Desired Kubernetes objects: pure builders, which are tested against golden YAML."""
