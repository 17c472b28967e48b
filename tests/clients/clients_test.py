#!/usr/bin/env python3
"""The JavaScript clients of libSQL and Turso, unmodified from npm, against a daemon. The packages are
installed under the build directory, once; without node, npm or the registry the test is skipped.

usage: clients_test.py SATURND BUILD_DIRECTORY
"""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "server"))
from daemon import Daemon  # noqa: E402

SKIPPED = 77  # what Meson takes for a skipped test
# Each script with the schemes of the URLs that its client takes.
SCRIPTS = (("libsql_client.mjs", ("http", "ws")), ("drizzle.mjs", ("http", "ws")),
           ("serverless.mjs", ("http",)), ("libsql_native.mjs", ("http",)))


def skip(why):
    print(f"SKIPPED: the JavaScript clients were NOT tested: {why}")
    sys.exit(SKIPPED)


def install(directory):
    """node_modules of package.json's pinned versions."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip("there is no node, or no npm")
    directory.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    stamp = directory / "installed.json"
    if not stamp.exists() or stamp.read_text() != wanted:
        (directory / "package.json").write_text(wanted)
        try:
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"],
                                  cwd=directory, timeout=180, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            skip("npm did not come to an end")
        if done.returncode != 0:
            skip(f"npm failed: {done.stderr.strip()[-500:]}")
        stamp.write_text(wanted)
    for script, _ in SCRIPTS:  # modules are looked for beside the script
        shutil.copy(HERE / script, directory / script)


def main():
    exe, directory = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve() / "npm"
    install(directory)
    daemon = Daemon(exe)
    failed = 0
    for script, schemes in SCRIPTS:
        for scheme in schemes:
            run = subprocess.run(["node", script, f"{scheme}://127.0.0.1:{daemon.port}"],
                                 cwd=directory, timeout=120, capture_output=True, text=True)
            print(f"{script} over {scheme}: {run.stdout.strip() or run.stderr}", flush=True)
            failed += run.returncode != 0
    if daemon.stop() != 0:
        failed += 1
        print(daemon.log_text())
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
