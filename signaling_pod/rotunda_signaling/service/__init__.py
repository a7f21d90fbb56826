"""What a client's request does. Imports no web, Socket.IO or gRPC framework."""
