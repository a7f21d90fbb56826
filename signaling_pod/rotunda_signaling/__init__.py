"""Signaling: what clients ask over Socket.IO and HTTP, told to the media node that hosts their room."""
