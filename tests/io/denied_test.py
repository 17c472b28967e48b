#!/usr/bin/env python3
"""Runs the io tests where the machine allows less.

usage: denied_test.py seccomp|memlock IO_TESTS

seccomp: io_uring_setup answers EPERM, as in many containers. memlock: at most 64 KiB of memory may be
locked, by a user without privileges (needs to be started by root, or says that it was skipped).
"""
import os
import pwd
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from seccomp import deny_io_uring  # noqa: E402


def lock_little(user):
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (64 << 10, 64 << 10))
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main():
    way, tests = sys.argv[1:]
    if way == "seccomp":
        return subprocess.run([tests], preexec_fn=deny_io_uring).returncode
    if os.getuid() != 0:
        print("skipped: only root can become another user")
        return 77
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        copy = shutil.copy(tests, directory)  # the build directory may be root's alone
        place = os.path.join(directory, "tmp")
        os.mkdir(place)
        os.chown(place, user.pw_uid, user.pw_gid)
        return subprocess.run([copy], preexec_fn=lambda: lock_little(user), cwd=place,
                              env={**os.environ, "TMPDIR": place}).returncode


if __name__ == "__main__":
    sys.exit(main())
