"""Everything that a room draws by lot, from one source, so that tests can write down a seed."""

import random
from base64 import b64encode

from rotunda_contract.ids import SeatToken
from rotunda_contract.rtp import IceParameters


class Randomness:
    """Ids, secrets and SSRCs. By default from the operating system's secure source."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = source or random.SystemRandom()

    def identifier(self) -> str:
        """An opaque id: 96 bits as hexadecimal digits."""
        return f"{self._source.getrandbits(96):024x}"

    def seat(self) -> SeatToken:
        """A secret of 128 bits as hexadecimal digits."""
        return SeatToken(f"{self._source.getrandbits(128):032x}")

    def ssrc(self) -> int:
        """A 32-bit SSRC; never 0, which some stacks take as absent."""
        return self._source.randrange(1, 1 << 32)

    def ice_parameters(self) -> IceParameters:
        """Credentials of a lite agent: 96 bits of name, 192 of password (RFC 8445 section 5.3)."""
        return IceParameters(username_fragment=self._ice(12), password=self._ice(24), ice_lite=True)

    def _ice(self, count: int) -> str:
        """Base64's alphabet is the one that ICE allows."""
        return b64encode(self._source.randbytes(count)).decode()
