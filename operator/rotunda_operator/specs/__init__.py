"""Desired Kubernetes objects, one pure builder for each kind; tried against golden YAML."""
