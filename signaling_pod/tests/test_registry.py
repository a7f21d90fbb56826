"""Every request of the contract has a handler, and none has one that the contract does not know."""

from rotunda_contract.signaling import EXCHANGES
from rotunda_signaling.service.handlers import HANDLERS


def test_handlers_and_contract_agree() -> None:
    assert set(HANDLERS) | {"join", "leave"} == set(EXCHANGES)
