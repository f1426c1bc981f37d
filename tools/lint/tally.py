#!/usr/bin/env python3
"""Count what ran.  usage: tally.py REPORT.xml...     (JUnit XML, from ctest or pytest)

Prints each failure and skip, then 'N passed, N failed, N skipped'. A skipped test has shown nothing
and counts against the run, with one exception: its reason begins 'optional tool NAME' and NAME is
not installed here. A report without a test counts against the run as well.
"""
import re
import shutil
import sys
import xml.etree.ElementTree as ET


def may_skip(reason):
    match = re.match(r"optional tool[: ]+'?([\w.+-]+)", reason)
    return match is not None and shutil.which(match.group(1)) is None


def cmocka_cases(case):
    """ctest knows a unit test as one program; how many cases of it passed stands in its output."""
    return len(re.findall(r"^\[ +OK \] ", case.findtext("system-out") or "", re.MULTILINE))


def main(reports):
    passed, failed, skipped, bad = 0, 0, 0, 0
    for report in reports:
        try:
            cases = list(ET.parse(report).iter("testcase"))
        except (OSError, ET.ParseError) as error:
            print(f"{report}: {error}")
            cases = []
        if not cases:
            print(f"{report}: no test ran")
            bad += 1
        for case in cases:
            name = f"{report}: {case.get('classname')} {case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                passed += cmocka_cases(case)
                print(f"{name}: failed")
            elif skip is not None:
                skipped += 1
                reason = skip.get("message") or skip.text or "no reason"
                allowed = may_skip(reason)
                bad += not allowed
                print(f"{name}: skipped{'' if allowed else ', A FAILURE'}: {reason}")
            else:
                passed += cmocka_cases(case) or 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
