#!/usr/bin/env python3
"""Sums the tests of one `make test` from its JUnit files and prints the closing line.

Usage: tally.py REPORTS_FOLDER [FAILED_STAGE...]. Exits 0 only if no test and no stage failed.
"""

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


# The stages that run tests, with the name of their report; the others only pass or fail as a whole.
REPORT_OF_STAGE = {"unit": "dev", "tsan": "tsan", "e2e": "e2e"}


@dataclass
class Tally:
    passed: int = 0
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)

    def add_case(self, where: str, case: ElementTree.Element) -> None:
        name = f"{where}: {case.get('classname', '')}.{case.get('name', '')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            self.failed.append(name)
        elif skip is not None or case.get("status") in ("notrun", "disabled"):
            reason = "" if skip is None else (skip.get("message") or skip.text or "")
            self.skipped.append((name, " ".join(reason.split())))
        else:
            self.passed += 1


def add_ctest(tally: Tally, report: Path) -> None:
    """ctest counts a gtest binary as one test; its own report has the cases, unless it died before writing it."""
    preset = report.parent.name
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        own = report.parent / "gtest" / f"{test.get('name')}.xml"
        died = test.find("failure") is not None or test.get("status") == "fail"
        if not own.exists():
            tally.add_case(preset, test)
            continue
        failed_before = len(tally.failed)
        for case in ElementTree.parse(own).getroot().iter("testcase"):
            tally.add_case(preset, case)
        if died and len(tally.failed) == failed_before:
            tally.failed.append(f"{preset}: {test.get('name')} ended badly outside its cases")


def main() -> int:
    folder, failed_stages = Path(sys.argv[1]), sys.argv[2:]
    tally = Tally()
    for report in sorted(folder.glob("*/ctest.xml")):
        add_ctest(tally, report)
    for report in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            tally.add_case(report.stem, case)

    for name, reason in tally.skipped:
        print(f"skipped  {name}: {reason or 'no reason given'}")
    for name in tally.failed:
        print(f"FAILED   {name}")
    for stage in failed_stages:
        print(f"FAILED   stage {stage}")
        report = REPORT_OF_STAGE.get(stage, stage)
        if not any(name.startswith(f"{report}: ") for name in tally.failed):
            tally.failed.append(f"stage {stage}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
