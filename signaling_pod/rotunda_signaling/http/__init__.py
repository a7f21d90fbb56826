"""HTTP: the rooms API, health, metrics, and the web app's files."""
