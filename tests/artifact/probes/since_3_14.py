"""What Python 3.14 brought that needs a library: zstd, and complex numbers passed to C by libffi."""

import ctypes
import json

from compression import zstd

text = b"one Python of your own " * 1000
csqrt = ctypes.CDLL("libm.so.6").csqrt
csqrt.argtypes, csqrt.restype = [ctypes.c_double_complex], ctypes.c_double_complex
root = csqrt(-4 + 0j)
print(
    json.dumps(
        {
            "zstd": zstd.decompress(zstd.compress(text)) == text,
            "square root of -4": [root.real, root.imag],
        }
    )
)
