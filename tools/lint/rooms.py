#!/usr/bin/env python3
"""Do the rooms keep to their doors?  usage: rooms.py [BUILD_DIR]

Sources, against src/ROOMS: each #include names a room or a foreign header of that room's line.
Objects (BUILD_DIR/libroom_*.a): no variables outside src/cli/main.c; only report and cli print or
end the process.
"""
import glob
import os
import re
import subprocess
import sys

LIBC = set("""
assert complex ctype dirent elf endian errno fcntl fenv float fnmatch ftw getopt glob grp inttypes
langinfo libgen limits link locale malloc math netdb poll pwd regex sched search semaphore setjmp signal
spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings
sysexits termios threads time uchar unistd utime wchar wctype
""".split())
LIBC_DIRECTORIES = ("sys/", "linux/", "arpa/", "net/", "netinet/")

PRINTING = set("""
stdout stderr printf vprintf puts putchar perror __printf_chk __vprintf_chk psignal syslog
warn warnx vwarn err errx verr error
""".split())
ENDING = {"exit", "quick_exit", "abort"}
MAY_PRINT_AND_END = ("report", "cli")
MAY_ABORT = "base/mem.c"  # out of memory

problems = []


def problem(where, text):
    problems.append(f"{where}: {text}")


def read_rooms(path):
    """{room: (rooms below, foreign headers)}, in the order of the file."""
    rooms, seen = {}, {}
    for number, line in enumerate(open(path), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, _, rest = line.partition(":")
        below, _, foreign = rest.partition(";")
        for name in below.split():
            if name not in rooms:
                problem(f"{path}:{number}", f"'{name}' is not a line above '{room}'")
        for header in foreign.split():
            if header in seen:
                problem(f"{path}:{number}", f"<{header}> is already seen by '{seen[header]}'")
            seen[header] = room
        rooms[room] = (below.split(), foreign.split())
    return rooms


def allowed_foreign(header, foreign):
    return any(header == f or (f.endswith("/") and header.startswith(f)) for f in foreign)


def is_libc(header):
    return header.removesuffix(".h") in LIBC or header.startswith(LIBC_DIRECTORIES)


def check_includes(path, room, below, foreign):
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        if not match:
            continue
        where, (quote, header) = f"{path}:{number}", match.groups()
        if quote == '"':
            if not os.path.exists(os.path.join("src", header)):
                problem(where, f'"{header}" is not a path below src/')
            elif header.split("/")[0] not in [room, *below]:
                problem(where, f"room '{room}' may not include \"{header}\"")
        elif not is_libc(header) and not allowed_foreign(header, foreign):
            problem(where, f"room '{room}' may not include <{header}>")


def symbols(archive):
    """(object, symbol, class, section) for each line of nm's table."""
    table = subprocess.check_output(["nm", "--format=sysv", archive], text=True)
    member = ""
    for line in table.splitlines():
        if match := re.search(r"\[(.*)\.o\]:$", line):
            member = match.group(1)
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 7:
            yield member, fields[0], fields[2], fields[6]


def check_objects(archive, room):
    for member, name, kind, section in symbols(archive):
        where = f"src/{room}/{member}"
        mutable = section.startswith((".data", ".bss", ".tdata", ".tbss")) or kind == "C"
        if mutable and not section.startswith(".data.rel.ro"):
            problem(where, f"variable '{name}' at file scope")
        if kind != "U" or room in MAY_PRINT_AND_END:
            continue
        if name in PRINTING and f"{room}/{member}" != MAY_ABORT:
            problem(where, f"a library room never prints, this one uses '{name}'")
        if name in ENDING and f"{room}/{member}" != MAY_ABORT:
            problem(where, f"a library room never ends the process, this one uses '{name}'")


def main():
    rooms = read_rooms("src/ROOMS")
    for directory in sorted(glob.glob("src/*/")):
        room = directory.split("/")[1]
        if room not in rooms:
            problem(directory, "has no line in src/ROOMS")
            continue
        for path in sorted(glob.glob(directory + "*.[ch]")):
            check_includes(path, room, *rooms[room])
    for build in sys.argv[1:]:
        for room in rooms:
            archive = f"{build}/libroom_{room}.a"
            if os.path.exists(archive):
                check_objects(archive, room)
    for text in problems:
        print(text, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
