"""Very many zeros, packed: what unpacks to a thousand times its size. To pack them would take long in every process."""

from __future__ import annotations

import zlib

BLOCK = 1_000_000
LARGEST_ADLER = 65_521


def packed(count: int) -> bytes:
    """So many zero bytes as a zlib stream (RFC 1950), of blocks that are packed once and repeated."""
    blocks, rest = divmod(count, BLOCK)
    end = b"\x03\x00"  # a last block with nothing in it
    checksum = (count % LARGEST_ADLER) << 16 | 1  # Adler-32 of nothing but zeros
    return b"\x78\xda" + _block(BLOCK) * blocks + _block(rest) + end + checksum.to_bytes(4)


def _block(count: int) -> bytes:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return packer.compress(bytes(count)) + packer.flush(zlib.Z_FULL_FLUSH)
