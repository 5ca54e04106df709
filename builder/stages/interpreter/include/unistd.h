/* The C library's <unistd.h>, and what only a newer C library has, for CPython's own files; most include it.

   Functions are inline: the program exports none of them, and needs no library for them. Names are numbers of the
   kernel, whose own headers can't be included next to those of the C library. */
#pragma once
#include_next <unistd.h>

#if defined __USE_GNU && !__GLIBC_PREREQ(2, 34)
/* Linux has it since 5.9. On an older kernel it fails with ENOSYS, and CPython closes one file after the other, as it
   does where the function is missing: half a minute for os.closerange(100, 2**27). */
static inline int close_range(unsigned int first, unsigned int last, int flags)
{
    return syscall(436, first, last, flags); /* SYS_close_range on every architecture; headers before 5.9 lack the name */
}
#endif

#if !__GLIBC_PREREQ(2, 32)
#define IPPROTO_MPTCP 262 /* since Linux 5.6: <linux/in.h> */
#endif
#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK /* since Linux 5.10: <linux/pidfd.h> */
#endif
