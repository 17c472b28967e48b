#!/usr/bin/env python3
"""Holds the rule "arrows go down only" against the compiler.

Every public header must compile alone, seeing only the public headers of its own layer and of
those that the layer may include. A header of any other layer that is included from there must
fail to compile; that is tried for every forbidden pair, so an include directory too many in a
meson.build is found as well. The pairs come from LAYERS below, the directories that the real
build gives each layer from its compile commands.

Usage: layering_test.py SOURCE_ROOT BUILD_ROOT COMPILER...
"""
import json
import pathlib
import shlex
import subprocess
import sys

LAYERS = {
    "base": [],
    "io": ["base"],
    "storage": ["io", "base"],
    "sql": ["storage", "io", "base"],
    "protocol": ["base"],
    "config": ["base"],
    "client": ["protocol", "base"],
}


def headers(root, layer):
    return sorted((root / layer / "include").rglob("*.hpp"))


def built_include_flags(build, layer):
    """The -I flags that the build gives a layer's library, or None where it is not built."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if f"lib{'saturn-' + layer}.a.p" in entry["command"]:
            flags = [w for w in shlex.split(entry["command"]) if w.startswith("-I")]
            return [f"-I{(build / flag[2:]).resolve()}" for flag in flags]
    return None


def compiles(compiler, flags, text):
    run = subprocess.run(
        [*compiler, "-std=c++20", "-fsyntax-only", *flags, "-x", "c++", "-"],
        input=text, capture_output=True, text=True)
    return run.returncode == 0, run.stderr


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    compiler = sys.argv[3:]
    checks, failures = 0, []
    for layer, allowed in LAYERS.items():
        flags = built_include_flags(build, layer)
        if flags is None:
            continue
        public = [f"-I{root / name / 'include'}" for name in [layer, *allowed]]
        for header in headers(root, layer):
            checks += 1
            ok, why = compiles(compiler, public, f'#include "{header.relative_to(root / layer / "include")}"\n')
            if not ok:
                failures.append(f"{header.relative_to(root)} does not compile alone:\n{why}")
        for other in LAYERS:
            found = headers(root, other)
            if other == layer or other in allowed or not found:
                continue
            checks += 1
            include = found[0].relative_to(root / other / "include")
            ok, _ = compiles(compiler, flags, f'#include "{include}"\n')
            if ok:
                failures.append(f"{layer} can include {include}, which is above it")
    print("\n".join(failures) or f"{checks} checks hold")
    # A run that looked at nothing has shown nothing.
    return 1 if failures or checks == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
