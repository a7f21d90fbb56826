"""Settings from the environment: what is taken, what is refused and how."""

import ipaddress

import pytest

from rotunda_base.settings import SettingsError
from rotunda_sfu.settings import NodeSettings, machine_addresses


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROTUNDA_SFU_WORKERS", raising=False)


def test_the_defaults_listen_on_this_machine_and_each_run_is_a_process_of_its_own() -> None:
    settings = NodeSettings.load()
    assert "127.0.0.1" in settings.listen_addresses
    assert settings.process_id != NodeSettings.load().process_id
    assert settings.port_of(0) == 40000


def test_this_machine_s_addresses_are_usable_and_loopback_comes_last() -> None:
    found = [ipaddress.ip_address(text) for text in machine_addresses()]
    assert not any(address.is_link_local for address in found)
    loopback = [address.is_loopback for address in found]
    assert loopback == sorted(loopback)
    assert any(loopback)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTUNDA_SFU_LISTEN_ADDRESSES", "192.0.2.7, 2001:DB8::0:1")
    monkeypatch.setenv("ROTUNDA_SFU_LIMITS__TRANSPORTS", "3")
    monkeypatch.setenv("ROTUNDA_SFU_MEDIA_PORT", "5000")
    settings = NodeSettings.load(workers=2)
    assert settings.listen_addresses == ("192.0.2.7", "2001:db8::1")
    assert settings.limits.transports == 3
    assert [settings.port_of(0), settings.port_of(1)] == [5000, 5001]


def test_port_0_stays_the_kernel_s_choice_for_every_worker() -> None:
    settings = NodeSettings.load(media_port=0, workers=2)
    assert [settings.port_of(0), settings.port_of(1)] == [0, 0]


def test_the_announced_address_stands_for_its_family_but_not_for_loopback() -> None:
    settings = NodeSettings.load(
        listen_addresses=("10.0.0.1", "2001:db8::1", "127.0.0.1"), announced_address="192.0.2.1"
    )
    told = [settings.announced_for(address) for address in settings.listen_addresses]
    assert told == ["192.0.2.1", "2001:db8::1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("WORKERS", "0", "WORKERS: .*greater than or equal to 1"),
        ("WORKERS", "many", "WORKERS: .*integer"),
        ("MEDIA_PORT", "70000", "MEDIA_PORT: .*65535"),
        ("MEDIA_PORT", "65535", "65536, more than 65535"),
        ("LISTEN_ADDRESSES", "example.org", "LISTEN_ADDRESSES: 'example.org' is no IP address; give one"),
        ("LISTEN_ADDRESSES", "fe80::1", "LISTEN_ADDRESSES: fe80::1 is link-local"),
        ("LISTEN_ADDRESSES", "224.0.0.1", "LISTEN_ADDRESSES: 224.0.0.1 is a multicast address"),
        ("LISTEN_ADDRESSES", " , ", "LISTEN_ADDRESSES: "),
        ("LISTEN_ADDRESSES", "0.0.0.0", "needs announced_address"),
        ("ANNOUNCED_ADDRESS", "::", "ANNOUNCED_ADDRESS: :: cannot be reached"),
        ("GRPC_ADDRESS", "localhost", "GRPC_ADDRESS: "),
        ("GRPC_ADDRESS", "localhost:99999", "GRPC_ADDRESS: .*65535"),
        ("RECONNECT_GRACE", "-1", "RECONNECT_GRACE: "),
        ("HANDSHAKE_DEADLINE", "nan", "HANDSHAKE_DEADLINE: "),
        ("LIMITS__CONSUMERS", "0", "LIMITS__CONSUMERS: "),
        ("LIMITS__CONSUMER", "5", "LIMITS__CONSUMER: .*not permitted"),
        ("NODE_NAME", "n" * 254, "NODE_NAME: "),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(f"ROTUNDA_SFU_{name}", value)
    with pytest.raises(SettingsError, match=complaint):
        NodeSettings.load(**({} if name == "WORKERS" else {"workers": 2}))
