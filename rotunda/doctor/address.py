"""From a name to a connection that can be trusted: look-up, TCP, TLS."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from cryptography import x509

from rotunda.doctor.findings import Finding, failed, ok, warning
from rotunda.doctor.patient import Patient, is_loopback

LOOK_UP_SECONDS = 10.0
CONNECT_SECONDS = 10.0
ENDS_SOON_DAYS = 14.0


async def look_up(patient: Patient) -> tuple[Finding, tuple[str, ...]]:
    """Every address that the host has."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await loop.getaddrinfo(patient.host, patient.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else str(error)
        advice = "check the spelling and the DNS record; a name of your own network is known there only"
        return failed("name", f"{patient.host} leads to no address: {why or 'no answer'}", advice), ()
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if patient.host in addresses:
        return ok("name", f"{patient.host} is an address"), addresses
    return ok("name", f"{patient.host} is {', '.join(addresses)}"), addresses


async def reach(patient: Patient, addresses: Sequence[str]) -> tuple[Finding, bool]:
    """TCP to every address, because a client may take any; whether one accepts."""
    outcomes = await asyncio.gather(*(_connect(address, patient.port) for address in addresses))
    complaints = [
        f"{address}: {outcome}" for address, outcome in zip(addresses, outcomes, strict=True) if outcome
    ]
    well = [address for address, outcome in zip(addresses, outcomes, strict=True) if not outcome]
    port = f"port {patient.port}"
    if not well:
        return failed(
            "tcp",
            f"{port} accepts at none of the addresses: {'; '.join(complaints)}",
            "refused: nothing listens there; no answer: a firewall drops it, or the address is wrong",
        ), False
    if complaints:
        advice = "some clients take these addresses first: mend them, or take them out of the DNS record"
        return warning(
            "tcp", f"{port} accepts at {', '.join(well)}, not at {'; '.join(complaints)}", advice
        ), True
    return ok("tcp", f"{port} accepts at {', '.join(well)}"), True


async def check_certificate(patient: Patient, addresses: Sequence[str]) -> tuple[Finding, bool]:
    """Whether it may be trusted with a token; without TLS, as far as anything may."""
    if not patient.is_secure:
        if all(is_loopback(address) for address in addresses):
            return ok("tls", "none, and none needed on this machine"), True
        return warning(
            "tls",
            "none: anybody on the way can listen",
            "browsers give no camera without HTTPS: set a certificate (ROTUNDA_HTTPS_DIRECTORY, or a proxy)",
        ), True
    checked = patient.tls.verify_mode != ssl.CERT_NONE
    try:
        certificate = await _certificate(patient)
    except ssl.SSLCertVerificationError as error:
        return await _not_trusted(patient, error), False
    except (OSError, TimeoutError) as error:
        return failed(
            "tls",
            f"no TLS on port {patient.port}: {_reason(error)}",
            "is it a port of plain HTTP? Then give an http:// URL, or let the server speak TLS",
        ), False
    if not checked:
        return warning("tls", f"{_told(certificate)}; not checked", "leave --insecure away to check it"), True
    days = (certificate.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86_400
    if days < ENDS_SOON_DAYS:
        return warning("tls", f"{_told(certificate)}, in {days:.0f} days", "renew it"), True
    return ok("tls", _told(certificate)), True


async def _connect(address: str, port: int) -> str:
    """Why not, or nothing."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        return _reason(error)
    await _close(writer)
    return ""


async def _certificate(patient: Patient) -> x509.Certificate:
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(
            patient.host, patient.port, ssl=patient.tls, server_hostname=patient.host
        )
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    await _close(writer)
    return x509.load_der_x509_certificate(der)


async def _not_trusted(patient: Patient, error: ssl.SSLCertVerificationError) -> Finding:
    why = error.verify_message
    shown = ""
    with suppress(OSError, TimeoutError, ValueError):
        shown = f" ({_told(await _certificate(patient.trusting_anybody()))})"
    if "expired" in why:
        advice = "renew it: a new tls.crt and tls.key are taken while the server runs"
    elif "not yet valid" in why:
        advice = "its time has not begun: are the clocks of this machine and of its maker right?"
    elif "ismatch" in why or "not valid for" in why:
        advice = f"let a certificate be made for {patient.host}, or use the name that it has"
    else:
        advice = "clients must know who signed it: name the authority's file by --ca, or take a public one"
    return failed("tls", f"the certificate is not valid: {why}{shown}", advice)


def _told(certificate: x509.Certificate) -> str:
    names = ", ".join(_names(certificate)) or "nobody"
    return f"certificate for {names} until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = told.get_values_for_type(x509.IPAddress)
    return [*told.get_values_for_type(x509.DNSName), *map(str, addresses)]


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return str(error)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
