"""Checks a running system as a client would, hop by hop, and names the one that fails and what to do.

    address    name, TCP, certificate
    health     whether it is Rotunda, what it says of itself, its clock
    tokens     what a token says, read without its key
    entrance   WebSocket, Socket.IO, join, the router
    ways       each announced address, over UDP and over TCP
    relays     each TURN server: reached, credentials, allowed to reach media nodes
    media      DTLS, and sound from one participant to another

`examine.examine` goes through them in this order. Each hop has a deadline. One that fails hides only those
that cannot be tried without it, and they say so. This package imports nothing by itself, so that `rotunda
--help` stays quick.
"""
