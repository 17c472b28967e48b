"""A filter on system calls, for tests of machines that allow less."""
import ctypes
import struct


def deny_io_uring():
    """For a child before it starts: io_uring_setup (425) answers EPERM, as in many containers."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = b"".join(struct.pack("=HBBI", *op) for op in (
        (0x20, 0, 0, 0),            # load the system call's number
        (0x15, 0, 1, 425),          # is it io_uring_setup?
        (0x06, 0, 0, 0x00050001),   # EPERM
        (0x06, 0, 0, 0x7fff0000)))  # go on
    buffer = ctypes.create_string_buffer(program)
    fprog = struct.pack("=HxxxxxxQ", 4, ctypes.addressof(buffer))
    assert libc.prctl(38, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS"
    assert libc.prctl(22, 2, ctypes.create_string_buffer(fprog), 0, 0) == 0, "PR_SET_SECCOMP"
