"""libffi: numbers, pointers, structures by value and variable arguments go to C, and C calls Python."""

import ctypes
import sys

c = ctypes.CDLL(None)
text = ctypes.create_string_buffer(100)


class Division(ctypes.Structure):
    """C's ldiv_t."""

    _fields_ = [("quotient", ctypes.c_long), ("remainder", ctypes.c_long)]


c.ldiv.argtypes, c.ldiv.restype = [ctypes.c_long, ctypes.c_long], Division
answer = c.ldiv(2**40 + 5, 7)
assert (answer.quotient, answer.remainder) == divmod(2**40 + 5, 7)

c.snprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]  # what follows varies
numbers = [ctypes.c_double(number / 2) for number in range(10)]
c.snprintf(text, 100, b"%d %s " + b"%.1f" * 10, 42, b"tea", *numbers)
assert text.value == b"42 tea " + b"".join(b"%.1f" % (number / 2) for number in range(10))

order = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
values = (ctypes.c_int * 5)(3, 1, 2, 5, 4)
c.qsort(values, 5, ctypes.sizeof(ctypes.c_int), order(lambda a, b: a[0] - b[0]))
assert [*values] == [1, 2, 3, 4, 5]

widths = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_byte, ctypes.c_int64, ctypes.c_float, Division, ctypes.c_double)
closures = [widths(lambda a, b, c, d, e, n=n: a + b + c + d.remainder + e + n) for n in range(1000)]
assert [closure(1, 2, 0.5, Division(0, 4), 8) for closure in closures] == [15.5 + n for n in range(1000)]

if sys.version_info >= (3, 14):
    csqrt = ctypes.CDLL("libm.so.6").csqrt
    csqrt.argtypes, csqrt.restype = [ctypes.c_double_complex], ctypes.c_double_complex
    assert csqrt(-4 + 0j) == 2j
    back = ctypes.CFUNCTYPE(ctypes.c_double_complex, ctypes.c_double_complex)
    assert back(lambda number: number * 1j)(1 + 2j) == -2 + 1j
