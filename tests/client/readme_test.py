#!/usr/bin/env python3
"""Compiles the README's C++ example against libsaturn and runs it on a daemon.

Usage: readme_test.py README SATURND INCLUDE_DIR LIBSATURN COMPILER...
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "server"))
from daemon import Daemon  # noqa: E402

ADDRESS = "127.0.0.1:8080"


def main():
    readme, saturnd, include, library = map(os.path.abspath, sys.argv[1:5])
    found = re.search(r"```cpp\n(.*?)```\n+.*?```text\n(.*?)```", pathlib.Path(readme).read_text(), re.S)
    if not found:
        print("the README has no C++ example followed by its output")
        return 1
    with tempfile.TemporaryDirectory(prefix="saturn-readme-") as folder:
        daemon = Daemon(saturnd, data=tempfile.mkdtemp(dir=folder))
        try:
            source = found[1].replace(ADDRESS, f"127.0.0.1:{daemon.port}")
            pathlib.Path(folder, "example.cpp").write_text(source)
            # Only the installed header, and the shared library alone.
            subprocess.run([*sys.argv[5:], "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{include}",
                            "example.cpp", "-o", "example", library,
                            f"-Wl,-rpath,{os.path.dirname(library)}"], cwd=folder, check=True)
            done = subprocess.run([os.path.join(folder, "example")], capture_output=True, text=True,
                                  timeout=60)
        finally:
            daemon.stop()
    if done.returncode != 0 or done.stdout != found[2]:
        print(f"exit code {done.returncode}, output:\n{done.stdout}{done.stderr}")
        return 1
    print("the example prints what the README says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
