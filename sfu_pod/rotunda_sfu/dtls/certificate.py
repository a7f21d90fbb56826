"""The process's certificate: one for all transports, made at the start, never written down."""

from __future__ import annotations

from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS, RTCCertificate, SRTPProtectionProfile
from OpenSSL import SSL

from rotunda_contract.rtp import DtlsFingerprint, DtlsParameters

USABLE_ALGORITHMS = frozenset(X509_DIGEST_ALGORITHMS)
"""Of fingerprints: sha-256, sha-384 and sha-512."""

_DTLS_1_2 = 0xFEFD
_CIPHERS = (
    b"ECDHE+AESGCM:ECDHE+CHACHA20:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
)
"""Forward secrecy, whatever key the server's certificate has: ours is ECDSA, a peer's may be RSA.

A peer is known by its fingerprint (RFC 8827 section 6.5), so the kind of its key does not matter.
"""


class Certificate(RTCCertificate):
    """ECDSA P-256, self-signed, known by its fingerprint. Make one with `Certificate.generate()`."""

    _context: SSL.Context | None = None

    @classmethod
    def generate(cls) -> Certificate:
        return cls.generateCertificate()

    @property
    def parameters(self) -> DtlsParameters:
        """What is announced to peers: any role, and the sha-256 fingerprint."""
        fingerprints = tuple(
            DtlsFingerprint(algorithm=each.algorithm, value=each.value)
            for each in self.getFingerprints()
            if each.algorithm == "sha-256"
        )
        return DtlsParameters(role="auto", fingerprints=fingerprints)

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        """One context for all connections: making one costs as much as a step of the handshake."""
        if self._context is None:
            context = super()._create_ssl_context(srtp_profiles)
            context.set_min_proto_version(_DTLS_1_2)
            context.set_max_proto_version(_DTLS_1_2)
            context.set_cipher_list(_CIPHERS)
            context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._context = context
        return self._context
