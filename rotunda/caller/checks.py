"""Connectivity checks (RFC 8445 section 7.2.2) towards an ICE-lite agent."""

from typing import Any

from aioice import stun

_PRIORITY = 1_853_824_767
_TIE_BREAKER = 7


def connectivity_check(ice_parameters: dict[str, Any], *, nominate: bool = True) -> stun.Message:
    """A binding request with the credentials of a transport; one that nominates moves its media here."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ice_parameters['usernameFragment']}:caller"
    request.attributes["PRIORITY"] = _PRIORITY
    request.attributes["ICE-CONTROLLING"] = _TIE_BREAKER
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(ice_parameters["password"].encode())
    request.add_fingerprint()
    return request
