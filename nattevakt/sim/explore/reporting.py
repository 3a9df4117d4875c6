"""What a run of the explorer came to, as JUnit XML. Serves CI.

Pure. Owns the form. Must not know how anything is played.
"""

from __future__ import annotations

from xml.etree import ElementTree

from nattevakt.sim.explore.exploring import Explored

_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n"}


def junit(found: Explored) -> bytes:
    """One case a seed, with a failure for each invariant that it broke."""
    failures = {"tests": str(found.done), "failures": str(len(found.failed)), "errors": "0", "skipped": "0"}
    root = ElementTree.Element("testsuites", failures)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "nattevakt-sim explore", **failures})
    for seed in found.wishes.seeds:
        title = f"frø {seed}, {found.wishes.nights} netter, {found.wishes.level}"
        case = ElementTree.SubElement(suite, "testcase", {"classname": "nattevakt.sim.explore", "name": title})
        for failure in (one for one in found.failures if one.seed == seed):
            says = failure.fault.says.translate(_CONTROL)
            ElementTree.SubElement(case, "failure", {"message": says.splitlines()[0]}).text = says
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
