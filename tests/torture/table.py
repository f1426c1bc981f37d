"""What came out: the table, the failures, a report in JUnit's form."""
import re
import xml.etree.ElementTree as ET
from collections import defaultdict

from kinds import FAULTS, PLACES


class Table:
    """Outcomes by fault and kind of request; those of pushes without a fault, by way."""

    def __init__(self):
        self.possible = set()
        self.cells = defaultdict(list)
        self.missed = 0

    def expect(self, runs):
        self.possible = {(run.fault, run.place) for run in runs}

    def add(self, outcome):
        run = outcome.run
        if outcome.is_met or outcome.why:
            self.cells[(run.fault, run.place) if run.fault else ("none", run.way)].append(outcome)
        else:
            self.missed += 1

    def outcomes(self):
        return [outcome for cell in self.cells.values() for outcome in cell]

    def has_shown_something(self):
        return any(outcome.run.fault for outcome in self.outcomes())

    def failures(self):
        return sorted((o for o in self.outcomes() if o.why), key=lambda o: o.run)

    def text(self):
        """One row a fault, one column a kind of request; a dot is what was not tried this time."""
        rows = [["", *PLACES]]
        rows += [[fault, *(self.cell_text(fault, place) for place in PLACES)] for fault in FAULTS]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(word.rjust(width) if i else word.ljust(width)
                                   for i, (word, width) in enumerate(zip(row, widths))).rstrip()
                         for row in rows)

    def cell_text(self, *key):
        if key not in self.cells:
            return "." if key in self.possible else ""
        cell = self.cells[key]
        return f"{sum(not outcome.why for outcome in cell)}/{len(cell)}"

    def write_junit(self, path):
        suite = ET.Element("testsuite", name="torture")
        for (fault, place), cell in sorted(self.cells.items()):
            add_case(suite, f"torture.{fault}", place, cell)
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        path.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def add_case(suite, group, name, cell):
    case = ET.SubElement(suite, "testcase", classname=group, name=name,
                         time=f"{sum(outcome.seconds for outcome in cell):.2f}")
    failed = [outcome for outcome in cell if outcome.why]
    if failed:
        failure = ET.SubElement(case, "failure",
                                message=printable(f"{len(failed)} of {len(cell)}: {failed[0].why}"))
        failure.text = printable("\n".join(f"{o.run}: {o.why}\n{o.story}" for o in failed))


def printable(text):
    """XML has no form at all for most control characters."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)
