#!/usr/bin/env python3
"""Does the manual say what the program says?  usage: options.py LANDED MAN_SOURCE

Each command of `landed --help` and each option that any --help names stands in the manual, and the
manual names no option that no --help knows.
"""
import re
import subprocess
import sys

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def help_text(landed, *words):
    run = subprocess.run([landed, *words, "--help"], capture_output=True, text=True, timeout=20)
    if run.returncode != 0:
        sys.exit(f"'{' '.join(['landed', *words, '--help'])}' exits {run.returncode}")
    return run.stdout


def main(landed, manual):
    # scdoc has a backslash before each character that it would read as a mark
    said = open(manual, encoding="utf-8").read().replace("\\", "")
    front = help_text(landed)
    commands = [c for c in re.findall(r"^  ([a-z]+(?: [a-z-]+)?)  ", front, re.MULTILINE)
                if c != "help"]
    helped = front + "".join(help_text(landed, *command.split()) for command in commands)

    problems = [f"command '{c}' is not here" for c in commands if f"landed {c}" not in said]
    in_manual, in_help = set(OPTION.findall(said)), set(OPTION.findall(helped))
    problems += [f"option '{o}' is here, in no --help" for o in sorted(in_manual - in_help)]
    problems += [f"option '{o}' is in --help, not here" for o in sorted(in_help - in_manual)]
    for text in problems:
        print(f"{manual}: {text}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
