"""What the probes of the announced addresses mean together. Pure.

An address that does not answer is blocked or wrong; which of them, the other ways to it tell.
"""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from rotunda.caller.checks import NO_ANSWER
from rotunda.doctor.findings import Finding, failed, ok, skipped, warning
from rotunda.doctor.patient import is_loopback
from rotunda.doctor.probes import REFUSED, Probe, Target

_ANNOUNCE = "ROTUNDA_SFU_ANNOUNCED_ADDRESS, --announce, or spec.mediaNodes.network.announce"
_PRIVATE = [
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`addresses` of the URL's host, `relayed`: announced addresses that a TURN server reaches."""

    addresses: Sequence[str]
    relayed: Collection[str] = ()
    has_turn: bool = False

    @property
    def local(self) -> bool:
        """The system is on this machine."""
        return all(is_loopback(address) for address in self.addresses)

    @property
    def public(self) -> bool:
        return all(not is_private(address) and not is_loopback(address) for address in self.addresses)


def is_private(address: str) -> bool:
    """Whether a network of its own has it, where others have the same (RFC 1918, 6598, 4193)."""
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == network.version and parsed in network for network in _PRIVATE)


def explain(probes: Sequence[Probe], around: Surroundings) -> list[Finding]:
    """A finding for each announced address, UDP first."""
    findings = [
        _explain(probe, probes, around)
        for protocol in ("udp", "tcp")
        for probe in probes
        if probe.target.protocol == protocol
    ]
    if not any(probe.target.protocol == "udp" for probe in probes):
        advice = "let the media node listen on an address that clients reach (ROTUNDA_SFU_LISTEN_ADDRESSES)"
        findings.insert(0, failed("ice-udp", "the media node announces no address for UDP", advice))
    if not any(probe.target.protocol == "tcp" for probe in probes):
        findings.append(_no_tcp(around))
    return findings


def _no_tcp(around: Surroundings) -> Finding:
    if around.local or around.has_turn:
        return skipped("ice-tcp", "the media node announces no address for TCP")
    advice = "people whose network lets no UDP through cannot talk: let media nodes take TCP, or set up TURN"
    return warning("ice-tcp", "the media node announces no address for TCP, and there is no TURN", advice)


def _explain(probe: Probe, probes: Sequence[Probe], around: Surroundings) -> Finding:
    step, target = f"ice-{probe.target.protocol}", probe.target
    if probe.answered:
        return _answered(step, probe, probes, around)
    if is_loopback(target.host) and not around.local:
        return skipped(step, f"{target} is for clients on the media node's own machine")
    saw = f"{target}: {_seen(probe)}"
    advice = _advice(probe, probes, around)
    return warning(step, saw, advice) if _is_spare(target, probes) else failed(step, saw, advice)


def _answered(step: str, probe: Probe, probes: Sequence[Probe], around: Surroundings) -> Finding:
    seen_as = f", sees us as {probe.seen_as}" if probe.seen_as else ""
    saw = f"{probe.target} answers in {1000 * (probe.seconds or 0.0):.1f} ms{seen_as}"
    if around.public and is_private(probe.target.host) and _all_private(probes):
        advice = f"clients from outside cannot reach it: announce the public address ({_ANNOUNCE})"
        return warning(step, f"{saw}, but is a private address, and the URL's is public", advice)
    return ok(step, saw)


def _all_private(probes: Sequence[Probe]) -> bool:
    return all(is_private(probe.target.host) or is_loopback(probe.target.host) for probe in probes)


def _is_spare(target: Target, probes: Sequence[Probe]) -> bool:
    """Calls do without: another address answers, or for TCP, UDP. Loopback counts for nobody else."""
    return any(
        probe.answered
        and (not is_loopback(probe.target.host) or is_loopback(target.host))
        and probe.target.protocol in {"udp", target.protocol}
        for probe in probes
    )


def _seen(probe: Probe) -> str:
    if probe.problem == REFUSED:
        return "refused: nothing listens there, or a firewall says no"
    if probe.problem == NO_ANSWER:
        return "no answer: the port is blocked, or the announced address is wrong"
    return probe.problem


def _advice(probe: Probe, probes: Sequence[Probe], around: Surroundings) -> str:
    target, port = probe.target, f"{probe.target.protocol.upper()} port {probe.target.port}"
    same = [other for other in probes if other.answered and other.target.host == target.host]
    if same:
        other = same[0].target
        return f"the address is right, {other.protocol.upper()} answers there: open {port} in the firewalls"
    if target.host in around.relayed:
        return f"the address is right, a TURN server reaches it: open {port} to clients in the firewalls"
    if is_private(target.host) and around.public:
        told = ", ".join(around.addresses)
        return (
            f"it is a private address, which clients outside its network cannot reach (the URL's is {told}): "
            f"announce the public one ({_ANNOUNCE})"
        )
    if probe.problem == REFUSED:
        return f"announce the media node's own address ({_ANNOUNCE}), or forward {port} to it"
    return f"open {port} to the media node, or announce the address that clients reach ({_ANNOUNCE})"
