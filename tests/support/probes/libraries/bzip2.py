"""bzip2: every level, in one piece, in pieces, and several streams after each other."""

import bz2

text = b"one Python of your own " * 1000
for level in range(1, 10):
    assert bz2.decompress(bz2.compress(text, level)) == text
packer = bz2.BZ2Compressor()
pieces = packer.compress(text[:7]) + packer.compress(text[7:]) + packer.flush()
assert bz2.decompress(pieces + bz2.compress(text)) == text + text
