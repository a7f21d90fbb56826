"""A small certificate authority: it issues the certificates with which pods authenticate each other.

An installation has one such authority. The identity in a certificate is its DNS name
(`rotunda_contract.identities`). A second authority, which people may trust, issues the HTTPS certificate of
an installation that was not given one.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
LIFE = timedelta(days=90)
HTTPS_LIFE = timedelta(days=397)
_CLOCK_SKEW = timedelta(minutes=5)

_PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def new_authority(now: datetime, name: str = "Rotunda") -> Pair:
    """A key and its self-signed certificate, valid for ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = (
        _builder(subject, subject, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Pair, identity: str, now: datetime) -> Pair:
    """A certificate for clients and servers of mutual TLS, valid for 90 days. Raises ValueError for a damaged
    authority."""
    # A common name has at most 64 characters. The whole identity is in the DNS name, which is what is
    # verified.
    subject = _name(identity.partition(".")[0])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return _issue(authority, subject, [x509.DNSName(identity)], usages, now, LIFE)


def issue_https(authority: Pair, names: Sequence[str], now: datetime) -> Pair:
    """A server's certificate for host names and addresses, valid for 397 days: browsers accept no longer.

    Raises ValueError for a damaged authority, or without a name.
    """
    if not names:
        raise ValueError("an HTTPS certificate needs a name")
    subject_names = [_general_name(name) for name in names]
    return _issue(
        authority, _name("Rotunda"), subject_names, [ExtendedKeyUsageOID.SERVER_AUTH], now, HTTPS_LIFE
    )


def must_renew_https(pair: Pair, names: Sequence[str], now: datetime, *, authority: Pair) -> bool:
    """As `must_renew`; in addition the certificate must have exactly these names."""
    if must_renew(pair, now, authority=authority):
        return True
    found = x509.load_pem_x509_certificate(pair.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return set(found.value) != {_general_name(name) for name in names}


def must_renew(pair: Pair, now: datetime, *, authority: Pair | None = None, identity: str = "") -> bool:
    """Whether a third of its life or less is left, or it is not the certificate that it should be.

    `authority`: which must have issued it. `identity`: which must be among its DNS names.
    """
    try:
        certificate, key = _load(pair)
        if certificate.public_key() != key.public_key():
            return True
        if authority is not None:
            certificate.verify_directly_issued_by(_load(authority)[0])
        if identity and identity not in _identities(certificate):
            return True
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return True
    return now >= renew_at(pair) or now < certificate.not_valid_before_utc


def renew_at(pair: Pair) -> datetime:
    """When two thirds of its life are over. Raises ValueError where it is not a certificate."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * 2 / 3


def _identities(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return names.value.get_values_for_type(x509.DNSName)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _issue(
    authority: Pair,
    subject: x509.Name,
    names: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
    life: timedelta,
) -> Pair:
    issuer, signing_key = _load(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(subject, issuer.subject, key, now, life)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    return _pair(builder.sign(signing_key, hashes.SHA256()), key)


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The key identifier from the authority's certificate: other tools compute it in other ways than we
    do."""
    try:
        known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound as missing:
        raise ValueError("the authority's certificate does not name its key") from missing
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def _load(pair: Pair) -> tuple[x509.Certificate, _PrivateKey]:
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    key = serialization.load_pem_private_key(pair.key, password=None)
    # RSA: earlier charts had Helm create the authority.
    if not isinstance(key, _PrivateKey):
        raise ValueError("the private key is neither of an elliptic curve nor RSA")
    return certificate, key


def _pair(certificate: x509.Certificate, key: _PrivateKey) -> Pair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM), private)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: _PrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
