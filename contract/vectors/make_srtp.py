"""Writes srtp.json: packets protected by libsrtp, against which our SRTP is held.

Run it as `python contract/vectors/make_srtp.py`; it needs the package pylibsrtp. The same run gives
the same file. Each case is one direction of one association, packets in the order they were sent:
what libsrtp made of `plain` is `protected`, all in hexadecimal digits.
"""

import json
import random
import struct
from pathlib import Path

from pylibsrtp import Policy, Session

PROFILES = {
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    "AES128_CM_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
}


def rtp(
    rng: random.Random,
    ssrc: int,
    sequence: int,
    payload_len: int,
    *,
    csrcs: tuple[int, ...] = (),
    extension: bytes = b"",
) -> bytes:
    """One RTP packet; `extension` is the one-byte form's elements, padded to 32 bits."""
    first = 0x80 | len(csrcs) | (0x10 if extension else 0)
    header = struct.pack("!BBHII", first, rng.choice([96, 111, 224]), sequence, rng.getrandbits(32), ssrc)
    header += b"".join(struct.pack("!I", csrc) for csrc in csrcs)
    if extension:
        header += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    return header + rng.randbytes(payload_len)


def rtcp(rng: random.Random, ssrc: int, blocks: int) -> bytes:
    """A receiver report with blocks of noise."""
    return struct.pack("!BBHI", 0x80 | blocks, 201, 1 + 6 * blocks, ssrc) + rng.randbytes(24 * blocks)


def rtp_packets(rng: random.Random) -> list[bytes]:
    """Two sources side by side; the first passes the end of its sequence numbers, out of order."""
    numbers = [65_533, 65_535, 65_534, 0, 2, 1, 3]
    packets = [rtp(rng, 0x1234_5678, number, 20 + number % 7) for number in numbers]
    packets.append(rtp(rng, 0xCAFE_F00D, 1, 1100))
    packets.append(rtp(rng, 0xCAFE_F00D, 2, 160, extension=b"\x10\x30\x42\xaa\xbb\x00\x00\x00"))
    packets.append(rtp(rng, 0xCAFE_F00D, 3, 17, csrcs=(1, 2), extension=b"\x90\x31\x22\x12\x34\x00\x00\x00"))
    packets.append(rtp(rng, 0xCAFE_F00D, 4, 0))
    packets.append(rtp(rng, 0x1234_5678, 4, 33))
    return packets


def case(name: str) -> dict[str, object]:
    """Everything for one profile."""
    rng = random.Random(f"rotunda srtp {name}")
    profile, key_len = PROFILES[name]
    key_and_salt = rng.randbytes(key_len)
    session = Session(Policy(key=key_and_salt, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    media = [{"plain": plain.hex(), "protected": session.protect(plain).hex()} for plain in rtp_packets(rng)]
    reports = [rtcp(rng, 0x0BAD_CAFE, blocks) for blocks in (0, 1, 3)]
    control = [{"plain": plain.hex(), "protected": session.protect_rtcp(plain).hex()} for plain in reports]
    return {"profile": name, "keyAndSalt": key_and_salt.hex(), "rtp": media, "rtcp": control}


def main() -> None:
    """Writes the file beside this script."""
    target = Path(__file__).with_name("srtp.json")
    target.write_text(json.dumps([case(name) for name in PROFILES], indent=1) + "\n")


if __name__ == "__main__":
    main()
