"""liblzma: every format, check, preset and filter that Python has a name for."""

import lzma

text = b"one Python of your own " * 1000
for preset in range(10):
    for extreme in (0, lzma.PRESET_EXTREME) if preset in {0, 6} else (0,):
        assert lzma.decompress(lzma.compress(text, preset=preset | extreme)) == text
for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256):
    assert lzma.is_check_supported(check)
    opener = lzma.LZMADecompressor()
    assert opener.decompress(lzma.compress(text, check=check)) == text
    assert opener.check == check
assert lzma.decompress(lzma.compress(text, lzma.FORMAT_ALONE)) == text

last = {"id": lzma.FILTER_LZMA2, "preset": 6}
before = [{"id": lzma.FILTER_DELTA, "dist": 4}] + [
    {"id": getattr(lzma, f"FILTER_{name}")} for name in ("X86", "ARM", "ARMTHUMB", "POWERPC", "IA64", "SPARC")
]
for chain in ([last], *([one, last] for one in before), [*before[:3], last]):
    packed = lzma.compress(text, filters=chain)
    assert lzma.decompress(packed) == text
    raw = lzma.compress(text, lzma.FORMAT_RAW, filters=chain)
    assert lzma.decompress(raw, lzma.FORMAT_RAW, filters=chain) == text
raw = lzma.compress(text, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1}])
assert lzma.decompress(raw, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1}]) == text
