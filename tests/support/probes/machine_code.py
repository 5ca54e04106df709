"""Runs machine code. Argument: hex digits."""

import ctypes
import mmap
import sys

code = bytes.fromhex(sys.argv[1])
memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(code)
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
