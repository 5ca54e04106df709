/* The C library's <fcntl.h>, for a module that includes no <unistd.h>: see there. */
#pragma once
#include_next <fcntl.h>

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027 /* since Linux 6.10: <linux/fcntl.h> */
#endif
