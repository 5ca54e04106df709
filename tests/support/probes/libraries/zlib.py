"""zlib: every level and every wrapping, dictionaries, both checksums."""

import gzip
import zlib

text = b"one Python of your own " * 1000
assert zlib.ZLIB_VERSION == zlib.ZLIB_RUNTIME_VERSION
for level in range(10):
    assert zlib.decompress(zlib.compress(text, level)) == text
for wbits in (-15, -9, 9, 15, 25, 31):  # raw, zlib's own, gzip's
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED):
        packer = zlib.compressobj(wbits=wbits, strategy=strategy)
        assert zlib.decompress(packer.compress(text) + packer.flush(), wbits=wbits) == text
packer = zlib.compressobj(zdict=text)
packed = packer.compress(text) + packer.flush()
assert len(packed) < 100
assert zlib.decompressobj(zdict=text).decompress(packed) == text
assert gzip.decompress(gzip.compress(text)) == text
assert zlib.crc32(b"123456789") == 0xCBF43926
assert zlib.adler32(b"Wikipedia") == 0x11E60398
