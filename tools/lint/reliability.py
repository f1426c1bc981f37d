#!/usr/bin/env python3
"""Is docs/reliability.md true?  usage: reliability.py        (at the top of the tree)

Each case of tests/e2e/cases.py, and each test of the files of faults, is named in a table; each name
in a table is a case or a test; where a row has cases, its exit codes are theirs.  Each constant that
a row names has its value in that row.
"""
import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path("docs/reliability.md")
FAULTS = ("renewal", "outage", "interrupt", "transport", "local", "hostile", "push_engine_faults")
NO_FAULT = {"test_positions_are_known", "test_flavour", "test_containerd_sends_what_the_store_has",
            "test_containerd_beside_its_layers", "test_containerd_narrowed_to_a_platform"}

problems = []


@dataclass
class Row:
    number: int
    cells: list

    def names(self, cell):
        return re.findall(r"`([^`]+)`", self.cells[cell])

    def problem(self, text):
        problems.append(f"{DOCUMENT}:{self.number}: {text}")


def read_tables(path):
    """The rows of each table by its last heading: {"exit": [Row...], "constants": [Row...]}."""
    tables, rows = {}, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith("|"):
            rows = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if rows is None:
            rows = tables.setdefault(cells[-1], [])
        elif not set(line) <= set("|-"):
            rows.append(Row(number, cells))
    return tables


# -- names


def read_cases():
    sys.path[:0] = ["tests/e2e", "tests/peers"]
    from cases import CASES
    return {id: case.codes if isinstance(case.codes, set) else {case.codes}
            for id, case in CASES.items()}


def read_tests():
    """What pytest collects: the name of each test, and of each function without its brackets."""
    done = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q",
                           "-p", "no:cacheprovider", "tests/e2e"], capture_output=True, text=True)
    names = {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line}
    if done.returncode or not names:
        sys.exit("reliability.py: pytest collects nothing:\n" + done.stdout + done.stderr)
    return names | {name.partition("[")[0] for name in names}


def functions(path):
    return {node.name for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def fits(pattern, name):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def check_names(rows):
    cases, tests, named, patterns = read_cases(), read_tests(), set(), set()
    for row in rows:
        matched = set()
        for pattern in row.names(1):
            matches = {name for name in cases if fits(pattern, name)}
            if not matches and not any(fits(pattern, name) for name in tests):
                row.problem(f"'{pattern}' is no case and no test")
            matched |= matches
            patterns.add(pattern.partition("[")[0])
        named |= matched
        check_codes(row, set().union(*(cases[name] for name in matched)))
    problems.extend(f"{DOCUMENT}: case '{name}' is not here" for name in cases if name not in named)
    for stem in FAULTS:
        path = Path(f"tests/e2e/test_{stem}.py")
        problems.extend(f"{DOCUMENT}: '{name}' of {path} is not here"
                        for name in sorted(functions(path) - patterns - NO_FAULT))


def check_codes(row, owed):
    """Tests that are no cases keep their codes to themselves: they may only add some."""
    told = {int(code) for code in re.findall(r"\d+", row.cells[3])}
    has_tests = any(name.startswith("test_") for name in row.names(1))
    if not told:
        row.problem("no exit code")
    elif not owed <= told or (owed != told and not has_tests):
        row.problem(f"the cases owe {sorted(owed)}, the row says {sorted(told)}")


# -- numbers


def number_of(text):
    """An integer of C: digits, casts, products, KIB and MIB.  None for anything else."""
    text = re.sub(r"/\*.*?\*/|\(int64_t\)|LL\b", "", text)
    text = text.replace("KIB", "1024").replace("MIB", "1048576").strip()
    is_number = re.fullmatch(r"[\d\s()*+-]+", text) and not re.search(r"\b0\d", text)
    return eval(text) if is_number else None


def read_constants():
    """{name: values}: every #define of a number, the fields of the default policy, the options."""
    values = {}
    for path in sorted(Path("src").rglob("*.[ch]")):
        text = path.read_text()
        for name, value in re.findall(r"^#define (\w+) (.+)$", text, re.MULTILINE):
            if (number := number_of(value)) is not None:
                values[f"{path.name}:{name}"] = number
                values.setdefault(name, set()).add(number)
        for name, value in re.findall(r"\.name = \"([\w-]+)\"[^{}]*?\.fallback = \"(\w+)\"", text):
            values["--" + name] = value
    limits = Path("src/cli/common.c").read_text().partition("COMMON_LIMITS(")[2]
    words = re.findall(r"\"([^\"]*)\"", limits)[:5]
    values |= dict(zip(["--timeout", None, "--stall-timeout", "--retries", "--renew-wait"], words))
    values.pop(None)
    policy = Path("src/http/retry.h").read_text().partition("RETRY_POLICY_DEFAULT")[2]
    values |= {name: int(value) for name, value in re.findall(r"\.(\w+) = (\d+)", policy)}
    return values


def spellings(name, value):
    if name.startswith("--"):
        digits, unit = re.fullmatch(r"(\d+)(\w*)", value).groups()
        return [f"{digits} {dict(s='s', m='min').get(unit, unit)}".strip()]
    if name.lower().endswith("_ms"):
        return [f"{value / 1000:g} s", f"{value / 60000:g} min"]
    if "BYTES" in name and value >= 1024:
        return [f"{value / 1024:g} KiB", f"{value / (1 << 20):g} MiB"]
    return [str(value)]


def check_numbers(rows):
    constants = read_constants()
    for row in rows:
        said = " ".join(row.cells[:-1])
        for name in row.names(-1):
            value = constants.get(name)
            if isinstance(value, set):
                value = next(iter(value)) if len(value) == 1 else None
            if value is None:
                row.problem(f"'{name}' is no constant of the sources, or of several files")
                continue
            if not any(re.search(rf"(?<![\d.]){re.escape(s)}\b", said)
                       for s in spellings(name, value)):
                row.problem(f"'{name}' is {' or '.join(spellings(name, value))}: not in the row")


def main():
    tables = read_tables(DOCUMENT)
    check_names(tables.get("exit", []))
    check_numbers(tables.get("constants", []))
    if not tables.get("exit") or not tables.get("constants"):
        problems.append(f"{DOCUMENT}: a table is missing")
    for text in problems:
        print(text, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
