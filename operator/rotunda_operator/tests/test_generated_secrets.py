"""Secrets that are generated once: existing ones are kept, and only a certificate that is due is renewed."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from rotunda_base.settings import SettingsError
from rotunda_kube import Manifest
from rotunda_operator.certificates import Pair
from rotunda_operator.clock import Instant
from rotunda_operator.generated_secrets import SecretsToGenerate, ensure_secrets
from rotunda_operator.settings import OperatorSettings
from rotunda_operator.specs.certificates import read_pair
from rotunda_operator.specs.generated_secrets import https_secret
from rotunda_operator.testing.fake_secrets import FakeSecrets
from rotunda_operator.tests.test_certificates import context, handshake

START = datetime(2026, 11, 30, tzinfo=UTC)
NAMES = ("meet.example.org", "default-signaling.meet.svc", "localhost")
ALL = SecretsToGenerate("meet", ("api-keys", "database", "https", "redis"), NAMES)


def at(days: float) -> Instant:
    return Instant(wall=START + timedelta(days=days), monotonic=days * 86_400)


def value(secret: Manifest, key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


def certificate(api: FakeSecrets, name: str = "rotunda-https") -> x509.Certificate:
    pair = read_pair(api.secrets[name])
    assert pair is not None
    return x509.load_pem_x509_certificate(pair.certificate)


async def test_all_are_made_once_and_kept() -> None:
    api = FakeSecrets()
    await ensure_secrets(api, ALL, at(0))
    made = dict(api.secrets)
    assert sorted(made) == [
        "rotunda-api-keys",
        "rotunda-database",
        "rotunda-https",
        "rotunda-https-ca",
        "rotunda-redis",
    ]
    password = value(made["rotunda-redis"], "password")
    assert value(made["rotunda-redis"], "url") == f"redis://:{password}@rotunda-redis.meet.svc:6379/0"
    assert value(made["rotunda-redis"], "redis.conf") == f"requirepass {password}\n"
    assert len(value(made["rotunda-api-keys"], "default")) >= 32
    await ensure_secrets(api, ALL, at(1))
    assert api.secrets == made
    del api.secrets["rotunda-redis"]
    await ensure_secrets(api, ALL, at(1))
    assert value(api.secrets["rotunda-redis"], "password") != password


async def test_two_installations_have_nothing_in_common() -> None:
    one, two = FakeSecrets(), FakeSecrets()
    for api in (one, two):
        await ensure_secrets(api, ALL, at(0))
    for name in ("rotunda-api-keys", "rotunda-database", "rotunda-https-ca", "rotunda-redis"):
        assert one.secrets[name]["data"] != two.secrets[name]["data"]


async def test_the_certificate_is_renewed_when_it_is_due_and_for_other_names() -> None:
    api = FakeSecrets()
    await ensure_secrets(api, ALL, at(0))
    first, authority = certificate(api), certificate(api, "rotunda-https-ca")
    await ensure_secrets(api, ALL, at(264))
    assert certificate(api) == first
    await ensure_secrets(api, ALL, at(265))
    second = certificate(api)
    assert second != first
    second.verify_directly_issued_by(authority)
    await ensure_secrets(
        api, SecretsToGenerate("meet", ("https",), ("192.0.2.1", "2001:db8::1", "localhost")), at(265)
    )
    names = certificate(api).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.1", "2001:db8::1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert certificate(api, "rotunda-https-ca") == authority


async def test_an_authority_that_helm_made_goes_on_issuing(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = of_helm(now)
    api = FakeSecrets(https_secret("meet", "rotunda-https-ca", authority, authority))
    await ensure_secrets(api, SecretsToGenerate("meet", ("https",), NAMES), Instant(wall=now, monotonic=0.0))
    assert api.writes == ["rotunda-https"]
    pair = read_pair(api.secrets["rotunda-https"])
    assert pair is not None
    server = context(ssl.Purpose.CLIENT_AUTH, pair, authority, f"{tmp_path}/server")
    server.verify_mode = ssl.CERT_NONE
    client = ssl.create_default_context(cadata=authority.certificate.decode())
    handshake(client, server, "meet.example.org")


async def test_what_holds_no_authority_is_said_and_stops_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    damaged = https_secret("meet", "rotunda-https-ca", Pair(b"x", b"y"), Pair(b"x", b"y"))
    api = FakeSecrets(damaged)
    await ensure_secrets(api, ALL, at(0))
    assert api.writes == ["rotunda-api-keys", "rotunda-database", "rotunda-redis"]
    assert "rotunda-https" in capsys.readouterr().out


def test_a_certificate_needs_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTUNDA_OPERATOR_GENERATE", "redis,https")
    with pytest.raises(SettingsError, match="ROTUNDA_OPERATOR_HTTPS_NAMES is needed"):
        OperatorSettings.load()
    monkeypatch.setenv("ROTUNDA_OPERATOR_HTTPS_NAMES", "meet.example.org")
    assert OperatorSettings.load().generate == ("redis", "https")
    monkeypatch.setenv("ROTUNDA_OPERATOR_GENERATE", "mongo")
    with pytest.raises(SettingsError, match="ROTUNDA_OPERATOR_GENERATE"):
        OperatorSettings.load()


def of_helm(now: datetime) -> Pair:
    """As `genCA` of Helm's templates makes one: RSA, PKCS #1."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rotunda HTTPS")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_encipherment=True,
                key_cert_sign=True,
                content_commitment=False,
                data_encipherment=False,
                key_agreement=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier(b"counted in another way"), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return Pair(made.public_bytes(serialization.Encoding.PEM), private)
