"""The filters, run call by call in a small interpreter of classic BPF, for machines that are not here as well."""

import errno
import re
import struct
from pathlib import Path

import pytest

from judgebench.pairs.sandbox import seccomp
from judgebench.pairs.sandbox.seccomp import ALLOW, ARCHITECTURES, ERROR, INNER, KILL, OUTER, inner, numbers, outer

MACHINES = sorted(ARCHITECTURES)
EPERM, ENOSYS = ERROR | errno.EPERM, ERROR | errno.ENOSYS
HEADERS = {
    "x86_64": (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), r"#define __NR_(\w+) (\d+)"),
    "aarch64": (Path("/usr/include/asm-generic/unistd.h"), r"#define __NR(?:3264)?_(\w+) (\d+)"),
}
# What must never be left to a program, by machine; the numbers stand in the kernel's tables.
FORBIDDEN = {
    "x86_64": {
        "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
        "socket": 41, "connect": 42, "accept": 43, "sendmsg": 46, "recvmsg": 47, "bind": 49, "listen": 50, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "mount": 165, "umount2": 166, "pivot_root": 155,
        "chroot": 161, "unshare": 272, "setns": 308, "setuid": 105, "setresuid": 117, "setgroups": 116, "capset": 126,
        "chmod": 90, "fchmodat": 268, "chown": 92, "unlink": 87, "rename": 82, "mkdir": 83, "link": 86, "symlink": 88,
        "mknod": 133, "truncate": 76, "ftruncate": 77, "fallocate": 285, "utimensat": 280, "setxattr": 188, "memfd_create": 319,
        "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240, "add_key": 248, "keyctl": 250, "bpf": 321,
        "perf_event_open": 298, "userfaultfd": 323, "kexec_load": 246, "init_module": 175, "finit_module": 313, "reboot": 169,
        "swapon": 167, "acct": 163, "quotactl": 179, "open_by_handle_at": 304, "fanotify_init": 300, "personality": 135,
        "setpriority": 141, "sched_setaffinity": 203, "sched_setscheduler": 144, "ioprio_set": 251, "setrlimit": 160,
        "seccomp": 317, "io_setup": 206, "vmsplice": 278, "splice": 275, "syslog": 103, "settimeofday": 164, "mlock": 149,
        "move_pages": 279, "iopl": 172, "modify_ldt": 154, "arch_prctl": 158, "setsid": 112, "setpgid": 109, "wait4": 61,
    },
    "aarch64": {
        "execve": 221, "execveat": 281, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "socket": 198,
        "connect": 203, "accept": 202, "sendmsg": 211, "recvmsg": 212, "bind": 200, "listen": 201, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "mount": 40, "umount2": 39, "pivot_root": 41,
        "chroot": 51, "unshare": 97, "setns": 268, "setuid": 146, "setresuid": 147, "setgroups": 159, "capset": 91,
        "fchmodat": 53, "fchownat": 54, "unlinkat": 35, "renameat": 38, "mkdirat": 34, "linkat": 37, "symlinkat": 36,
        "mknodat": 33, "truncate": 45, "ftruncate": 46, "fallocate": 47, "utimensat": 88, "setxattr": 5, "memfd_create": 279,
        "shmget": 194, "msgget": 186, "semget": 190, "mq_open": 180, "add_key": 217, "keyctl": 219, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282, "kexec_load": 104, "init_module": 105, "finit_module": 273, "reboot": 142,
        "swapon": 224, "acct": 89, "quotactl": 60, "open_by_handle_at": 265, "fanotify_init": 262, "personality": 92,
        "setpriority": 140, "sched_setaffinity": 122, "sched_setscheduler": 119, "ioprio_set": 30, "setrlimit": 164,
        "seccomp": 277, "io_setup": 0, "vmsplice": 75, "splice": 76, "syslog": 116, "settimeofday": 170, "mlock": 228,
        "move_pages": 239, "setsid": 157, "setpgid": 154, "wait4": 260,
    },
}  # fmt: skip
NEWER = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "fsmount": 432, "pidfd_open": 434,
    "clone3": 435, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "landlock_create_ruleset": 444, "memfd_secret": 447, "process_mrelease": 448, "fchmodat2": 452, "not yet made": 999,
    "x32 fork": 0x40000000 | 57, "x32 read": 0x40000000,
}  # fmt: skip


def decide(code: bytes, machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Return what a filter says to a call: classic BPF, as far as the filters use it."""
    words = struct.pack(
        "<IIQ6Q", number & 0xFFFFFFFF, ARCHITECTURES[machine][1] if architecture is None else architecture, 0,
        *(argument & 0xFFFFFFFFFFFFFFFF for argument in (*arguments, *[0] * 6)[:6]),
    )  # fmt: skip
    steps = [struct.unpack_from("<HBBI", code, place) for place in range(0, len(code), 8)]
    held, place = 0, 0
    while True:
        kind, yes, no, operand = steps[place]
        place += 1
        match kind:
            case 0x20:
                (held,) = struct.unpack_from("<I", words, operand)
            case 0x54:
                held &= operand
            case 0x15:
                place += yes if held == operand else no
            case 0x35:
                place += yes if held >= operand else no
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"no such instruction: {kind:#x}")


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    path, pattern = HEADERS[machine]
    if not path.exists():
        pytest.skip(f"no {path} here")
    known = {name: int(number) for name, number in re.findall(pattern, path.read_text())}
    known.setdefault("newfstatat", known.get("fstatat", -1))
    for table in (seccomp._PROGRAM, seccomp._RULED, seccomp._SETTING_UP):
        for name, number in numbers(table, machine).items():
            assert known.get(name) == number, name
    for name, number in FORBIDDEN[machine].items():
        assert known.get(name, number) == number, name


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "name", ["read", "write", "mmap", "futex", "openat", "exit_group", "getrandom", "clock_gettime", "faccessat2"]
)
def test_a_program_may_compute(machine: str, name: str) -> None:
    assert decide(inner(machine), machine, numbers(seccomp._PROGRAM, machine)[name], 1, 2, 3) == ALLOW


@pytest.mark.parametrize(("machine", "name"), [(machine, name) for machine in MACHINES for name in FORBIDDEN[machine]])
def test_a_program_may_do_nothing_to_others(machine: str, name: str) -> None:
    assert decide(inner(machine), machine, FORBIDDEN[machine][name]) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", NEWER)
def test_what_is_newer_than_the_lists_is_not_there(machine: str, name: str) -> None:
    assert decide(inner(machine), machine, NEWER[name]) == ENOSYS
    assert decide(outer(machine), machine, NEWER[name]) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_no_call_is_allowed_that_is_on_no_list(machine: str) -> None:
    listed = numbers(seccomp._PROGRAM, machine) | numbers(seccomp._RULED, machine)
    allowed = {number for number in range(1024) if decide(inner(machine), machine, number, 0x10000) == ALLOW}
    assert allowed <= set(listed.values())
    assert allowed >= set(numbers(seccomp._PROGRAM, machine).values())


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("code", [inner, outer])
def test_another_architecture_is_killed(machine: str, code: object) -> None:
    for architecture in (0x40000003, 0x40000028, 0, *(number for _, number in ARCHITECTURES.values())):
        if architecture != ARCHITECTURES[machine][1]:
            filtered = inner(machine) if code is inner else outer(machine)
            assert decide(filtered, machine, 0, architecture=architecture) == KILL


SIGCHLD, VM, THREAD_FLAGS = 17, 0x100, 0x3D0F00
NEW = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_starts_threads_only(machine: str) -> None:
    clone = numbers(seccomp._RULED, machine)["clone"]
    assert decide(inner(machine), machine, clone, THREAD_FLAGS) == ALLOW
    for flags in (
        0,
        SIGCHLD,
        VM | SIGCHLD,
        0x4000 | VM | SIGCHLD,
        0x8000 | SIGCHLD,
        *NEW,
        *(THREAD_FLAGS | new for new in NEW),
    ):
        assert decide(inner(machine), machine, clone, flags) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_the_template_forks_but_not_into_namespaces(machine: str) -> None:
    clone = numbers(seccomp._RULED, machine)["clone"]
    assert decide(outer(machine), machine, clone, 0x1200000 | SIGCHLD) == ALLOW
    for new in NEW:
        assert decide(outer(machine), machine, clone, new | SIGCHLD) == EPERM
    for name, number in numbers(seccomp._SETTING_UP, machine).items():
        assert decide(outer(machine), machine, number) == ALLOW, name
    for name in ("socket", "connect", "ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "unlinkat", "shmget"):
        if name in FORBIDDEN[machine]:
            assert decide(outer(machine), machine, FORBIDDEN[machine][name]) == EPERM, name


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        # F_GETFL, F_DUPFD_CLOEXEC; F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ, F_ADD_SEALS
        ("fcntl", [(0, 3), (0, 1030)], [(0, 8), (0, 10), (0, 15), (0, 1024), (0, 1026), (0, 1031), (0, 1033)]),
        # TCGETS, FIONREAD; TIOCSTI, FIOASYNC, FIOSETOWN, TIOCLINUX, FS_IOC_SETFLAGS
        ("ioctl", [(0, 0x5401), (0, 0x541B)], [(0, 0x5412), (0, 0x5452), (0, 0x8901), (0, 0x541C), (0, 0x40086602)]),
        # PR_SET_NAME; PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_SET_PTRACER, PR_CAP_AMBIENT
        ("prctl", [(15,), (16,)], [(1,), (4,), (22,), (38,), (0x59616D61,), (47,)]),
        ("prlimit64", [(0, 7)], [(1, 7), (4711, 7), (-1, 7)]),
        ("socketpair", [(1, 1, 0)], [(2, 1, 0), (16, 3, 0), (10, 1, 0)]),
        ("sendto", [(3, 4, 5, 0, 0, 0)], [(3, 4, 5, 0, 0x7F0000001000, 16), (3, 4, 5, 0, 1 << 40, 16), (3, 4, 5, 0, 16, 16)]),
    ],
)  # fmt: skip
def test_arguments_decide(machine: str, name: str, good: list[tuple[int, ...]], bad: list[tuple[int, ...]]) -> None:
    number = numbers(seccomp._RULED, machine)[name]
    assert {decide(inner(machine), machine, number, *arguments) for arguments in good} == {ALLOW}
    assert {decide(inner(machine), machine, number, *arguments) for arguments in bad} == {EPERM}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_upper_half_of_a_number_changes_nothing(machine: str) -> None:
    """The kernel takes 32 bits of these arguments; so does the filter."""
    fcntl = numbers(seccomp._RULED, machine)["fcntl"]
    assert decide(inner(machine), machine, fcntl, 0, (1 << 32) | 8) == EPERM
    assert decide(inner(machine), machine, fcntl, 0, (1 << 32) | 3) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_rules_are_for_calls_that_are_ruled(machine: str) -> None:
    assert set(INNER) == set(OUTER) == set(numbers(seccomp._RULED, machine))
    assert not set(numbers(seccomp._PROGRAM, machine)) & set(INNER)


def test_other_machines_are_not_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert not seccomp.supported()
    with pytest.raises(KeyError):
        inner()
