"""Whether it is Rotunda that answers HTTP, what it says of itself, and what its clock says."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from rotunda.doctor.findings import Finding, failed, ok, warning
from rotunda.doctor.patient import Patient

ANSWER_SECONDS = 15.0
SKEW_FAILS = 10.0
"""Seconds: the leeway that signaling gives to the times of tokens."""
SKEW_WARNS = 3.0
_ADVICE = {
    "redis": "start the Redis of ROTUNDA_REDIS_URL (spec.redis.secretRef) or open the way to it; calls go on",
    "database": "start the database of ROTUNDA_DATABASE_URL (spec.database.secretRef) or open the way to it",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`json`: None where the body is none. `skew`: its clock less ours, give or take `doubt`, in seconds."""

    status: int
    json: Any
    skew: float | None
    doubt: float


async def ask(patient: Patient, path: str) -> Answer:
    """Raises OSError or TimeoutError without an answer."""
    tls = patient.tls if patient.is_secure else True
    async with (
        asyncio.timeout(ANSWER_SECONDS),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
    ):
        # A first request opens the connection, so that the second one's time is the request's alone.
        async with session.get(f"{patient.origin}{path}", allow_redirects=False):
            pass
        began, before = time.monotonic(), patient.clock()
        async with session.get(f"{patient.origin}{path}", allow_redirects=False) as response:
            took = time.monotonic() - began
            body = await response.read()
    skew = _skew(response.headers.get("Date"), before + took / 2)
    return Answer(response.status, _json(body), skew, 0.5 + took / 2)


async def check_alive(patient: Patient) -> tuple[Finding, Answer | None]:
    """Without an answer of Rotunda there is nobody to examine any further."""
    try:
        answer = await ask(patient, "/healthz")
    except (OSError, TimeoutError, aiohttp.ClientError) as error:
        advice = "something accepts connections and speaks no HTTP: check the port, and a proxy's backend"
        return failed("healthz", f"no HTTP answer: {error or 'none in time'}", advice), None
    if answer.status == 200 and answer.json == {"status": "ok"}:
        return ok("healthz", "Rotunda's signaling is alive"), answer
    if answer.status in (502, 503, 504):
        advice = "a proxy stands in front and reaches no signaling: are its pods ready, does the route fit?"
    else:
        advice = "is the URL right, and does a proxy in front pass /healthz and /socket.io on?"
    return failed(
        "healthz", f"HTTP answers with status {answer.status}, but not as Rotunda does", advice
    ), None


async def check_ready(patient: Patient) -> list[Finding]:
    """What joins need, then each dependency without which something else does not work."""
    try:
        answer = await ask(patient, "/readyz")
    except (OSError, TimeoutError, aiohttp.ClientError) as error:
        return [failed("readyz", f"no answer: {error or 'none in time'}", "see the log of signaling")]
    if answer.status == 200 and isinstance(answer.json, dict):
        return [ok("readyz", "joins have all that they need"), *_degraded(answer.json)]
    if answer.status == 503 and isinstance(answer.json, dict):
        told = answer.json.get("error")
        message = told.get("message") if isinstance(told, dict) else "no reason is given"
        advice = "signaling cannot reach its media node or the API server: see its log and their pods"
        return [failed("readyz", f"not ready: {message}", advice)]
    advice = "let the proxy pass /readyz on, or ask a pod itself"
    return [warning("readyz", f"status {answer.status}: dependencies are not told here", advice)]


def check_clock(answer: Answer) -> Finding:
    """Of the server, or of the proxy in front of it, against this machine's."""
    if answer.skew is None:
        return warning("clock", "the server does not tell its time", "a proxy may have taken Date away")
    away = abs(answer.skew)
    which = "ahead of" if answer.skew > 0 else "behind"
    saw = f"the server's clock is {away:.0f} s {which} this machine's"
    advice = (
        f"let both follow NTP: beyond {SKEW_FAILS:.0f} s tokens signed here are refused or outlive "
        "their end, and TURN credentials end too early where a TURN server's clock differs"
    )
    if away - answer.doubt > SKEW_FAILS:
        return failed("clock", saw, advice)
    if away - answer.doubt > SKEW_WARNS:
        return warning("clock", saw, advice)
    return ok("clock", "the server's clock and this machine's agree within what HTTP tells")


def _degraded(body: Mapping[str, Any]) -> list[Finding]:
    told = body.get("degraded")
    findings = []
    for each in told if isinstance(told, list) else ():
        name, _, what = str(each).partition(": ")
        findings.append(failed(name, f"away: {what}", _ADVICE.get(name, "see the log of signaling")))
    return findings


def _skew(date: str | None, now: float) -> float | None:
    """The header has whole seconds (RFC 9110 section 5.6.7), cut off: half of one is added."""
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - now
    except ValueError:
        return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
