"""Signaling: takes requests of clients over Socket.IO and HTTP, and calls the media node that hosts their
room."""
