#!/usr/bin/python3
"""Can the simulation find anything? Each patch under mutants/ plants one small defect; landed-simulate has to fail on it,
or landed-judge-search, where the patch's name begins with judge-.

A patch begins with a sentence that says what is wrong with the program then. The sources are copied once, built
whole once, and each mutant rebuilds what its patch touches.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATCHES = HERE / "mutants"
TREE = ROOT / "build" / "mutants"
COPIED = ["CMakeLists.txt", "CMakePresets.json", "src", "tests"]
LONGEST_S = 600  # of one build or one run


def run(*command):
    return subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=LONGEST_S)


def must(*command):
    done = run(*command)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def files_below(top):
    for name in COPIED:
        if (top / name).is_dir():
            yield from (p.relative_to(top) for p in (top / name).rglob("*") if p.is_file())
        elif (top / name).exists():
            yield pathlib.Path(name)


def copy_sources():
    """Only what differs is written: its new date has it compiled, also after a mutant that was left in the tree."""
    TREE.mkdir(parents=True, exist_ok=True)
    ours = set(files_below(ROOT))
    for gone in set(files_below(TREE)) - ours:
        (TREE / gone).unlink()
    for name in ours:
        there = TREE / name
        if there.exists() and there.read_bytes() == (ROOT / name).read_bytes():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, there)


def searcher(name):
    return "landed-judge-search" if name.startswith("judge-") else "landed-simulate"


def build(program):
    return run("cmake", "--build", "--preset", "release", "-t", program, "--", "--quiet")


def patch(path, *more):
    return run("patch", "-p1", "--no-backup-if-mismatch", "-s", *more, "-i", str(path))


def search(program, seeds):
    """What the simulation says: (law or None, seed, pushes until then)."""
    done = run(f"build/release/{program}", "--seeds", str(seeds), "--fail-fast")
    found = re.search(r"^seed (\d+): ([a-z ]+):", done.stdout, re.M)
    ended = re.search(r"landed-simulate: seed (\d+)", done.stderr)
    if done.returncode and found:
        return found[2], int(found[1])
    if done.returncode and ended:  # it hung, or everybody waited for somebody
        return "no end", int(ended[1])
    return None, 0


def try_mutant(path, seeds):
    """The line of the table, and whether it was caught."""
    began = time.monotonic()
    applied = patch(path)
    if applied.returncode:
        return "the patch does not apply: " + applied.stdout.strip().replace("\n", "; "), False
    try:
        built = build(searcher(path.stem))
        if built.returncode:
            return "does not build:\n" + built.stdout + built.stderr, False
        law, seed = search(searcher(path.stem), seeds)
    finally:
        patch(path, "-R")
    if not law:
        return f"NOT CAUGHT in {seeds} seeds", False
    return f"{law:<14} seed {seed:<6} {time.monotonic() - began:4.0f} s", True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10000)
    parser.add_argument("names", nargs="*", help="mutants; all of them by default")
    options = parser.parse_args()
    known = {p.stem: p for p in sorted(PATCHES.glob("*.patch"))}
    unknown = [n for n in options.names if n not in known]
    if unknown:
        parser.error(f"there is no mutant {', '.join(unknown)}")
    copy_sources()
    must("cmake", "--preset", "release")
    for program in sorted({searcher(name) for name in options.names or known}):
        must("cmake", "--build", "--preset", "release", "-t", program, "--", "--quiet")
        law, seed = search(program, 500)
        if law:
            sys.exit(f"without any mutant seed {seed} of {program} breaks a law already: {law}")
    missed = 0
    for name in options.names or known:
        line, caught = try_mutant(known[name], options.seeds)
        missed += not caught
        print(f"{name:<30} {line}", flush=True)
    print(f"{len(options.names or known) - missed} of {len(options.names or known)} mutants caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
