"""Which system calls are left to a program: a list of what is allowed, as a classic BPF filter.

Two filters. The *inner* one is a program's: it can read, compute, start threads and end; it cannot start processes,
send signals, open sockets, or change anything about files, users, limits or namespaces. The *outer* one is for the
template and its keepers, which must fork, kill and set up. A call that is on neither list fails with EPERM, one that is
newer than the lists with ENOSYS, so that C libraries fall back to the older one; one of another architecture kills.

Numbers: Linux's asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64). See seccomp(2), and filter.rst on BPF.
"""

import errno
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By machine: the column of the tables below, and the kernel's number for it (linux/audit.h)."""
SAME_EVERYWHERE = 424
"""From here on numbers are the same on all architectures; a call this new has an older one to fall back to."""

_PROGRAM = """
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70,
lseek 8 62, close 3 57, close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59, fsync 74 82,
fdatasync 75 83, open 2 -, openat 257 56, stat 4 -, fstat 5 80, lstat 6 -, newfstatat 262 79, statx 332 291,
access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78, getcwd 79 17, getdents64 217 61,
chdir 80 49, fchdir 81 50, umask 95 166, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create1 291 20,
epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, eventfd2 290 19, recvfrom 45 207, shutdown 48 210,
mmap 9 222, munmap 11 215, mremap 25 216, mprotect 10 226, madvise 28 233, brk 12 214, futex 202 98,
set_robust_list 273 99, rseq 334 293, gettid 186 178, sched_yield 24 124, sched_getaffinity 204 123, getcpu 309 168,
rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigsuspend 130 133,
rt_sigtimedwait 128 137, sigaltstack 131 132, restart_syscall 219 128, pause 34 -, nanosleep 35 101,
clock_nanosleep 230 115, clock_gettime 228 113, clock_getres 229 114, gettimeofday 96 169, time 201 -, times 100 153,
alarm 37 -, getitimer 36 102, setitimer 38 103, getpid 39 172, getppid 110 173, getuid 102 174, geteuid 107 175,
getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158, getpgrp 111 -,
getpgid 121 155, getsid 124 156, getrusage 98 165, getrlimit 97 163, sysinfo 99 179, uname 63 160, getrandom 318 278,
exit 60 93, exit_group 231 94
"""
_RULED = """
clone 56 220, fcntl 72 25, ioctl 16 29, prctl 157 167, prlimit64 302 261, socketpair 53 199, sendto 44 206
"""
_SETTING_UP = """
execve 59 221, fork 57 -, wait4 61 260, kill 62 129, arch_prctl 158 -, set_tid_address 218 96, memfd_create 319 279,
setresuid 117 147, setresgid 119 149, setgroups 116 159, setrlimit 160 164, landlock_restrict_self 446 446
"""


@dataclass(frozen=True)
class Check:
    """What an argument must be: one of `values`, of its bits in `mask`. The second half of a pointer is `upper`."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    upper: bool = False


Rules = dict[str, tuple[Check, ...]]
THREAD = 0x10000
NAMESPACES = 0x7E020000
"""clone(2): CLONE_THREAD, and the flags that ask for new namespaces."""
_COMMON: Rules = {
    # Duplicates, flags and locks; not F_SETOWN or F_SETSIG, which send signals.
    "fcntl": (Check(1, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)),),
    # What Python asks a file: is it a terminal, close it on exec, how much is there, do not block.
    "ioctl": (Check(1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),),
    "socketpair": (Check(0, (1,)),),  # AF_UNIX: what asyncio wakes itself with
    "sendto": (Check(4, (0,)), Check(4, (0,), upper=True)),  # to the other end, nowhere else
}
INNER: Rules = _COMMON | {
    "clone": (Check(0, (THREAD,), THREAD | NAMESPACES),),
    "prctl": (Check(0, (15, 16)),),  # a thread's name
    "prlimit64": (Check(0, (0,)),),  # its own limits
}
OUTER: Rules = _COMMON | {"clone": (Check(0, (0,), NAMESPACES),), "prctl": (), "prlimit64": ()}


def supported() -> bool:
    """Return whether there are filters for this machine."""
    return platform.machine() in ARCHITECTURES


def inner(machine: str | None = None) -> bytes:
    """Return the filter of a program."""
    return _assemble(machine or platform.machine(), (_PROGRAM,), INNER)


def outer(machine: str | None = None) -> bytes:
    """Return the filter of the template and its keepers."""
    return _assemble(machine or platform.machine(), (_PROGRAM, _SETTING_UP), OUTER)


def numbers(table: str, machine: str) -> dict[str, int]:
    """Return a table's system calls on a machine; those it lacks are left out."""
    column = ARCHITECTURES[machine][0] + 1
    rows = [entry.split() for entry in table.split(",")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


# --- the assembler: (code, jump if true, jump if false, operand) --------------------------------------------------
Instruction = tuple[int, int, int, int]
LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Where struct seccomp_data holds what is looked at; arguments are 8 bytes each, lower half first."""
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000


def _assemble(machine: str, tables: tuple[str, ...], rules: Rules) -> bytes:
    plain = [number for table in tables for number in numbers(table, machine).values()]
    ruled = numbers(_RULED, machine)
    code: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[machine][1]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    for number in plain:
        code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for name, checks in rules.items():
        body = [*(step for check in checks for step in _checked(check)), (RETURN, 0, 0, ALLOW)]
        code += [(EQUAL, 0, len(body), ruled[name]), *body]
    code += [
        (AT_LEAST, 0, 1, SAME_EVERYWHERE),
        (RETURN, 0, 0, ERROR | errno.ENOSYS),
        (RETURN, 0, 0, ERROR | errno.EPERM),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in code)


def _checked(check: Check) -> Iterator[Instruction]:
    """Yield the steps that go on behind themselves when an argument passes, and refuse the call when it does not."""
    yield (LOAD, 0, 0, ARGUMENTS + 8 * check.argument + 4 * check.upper)
    yield (AND, 0, 0, check.mask)
    for place, value in enumerate(check.values):
        yield (EQUAL, len(check.values) - place, 0, value)
    yield (RETURN, 0, 0, ERROR | errno.EPERM)
