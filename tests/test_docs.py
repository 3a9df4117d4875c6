"""Documentation is a test: what the product can do stands in docs/, and what docs/ names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tools.reference import pages

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{name(path)} links to {target}"


@pytest.mark.parametrize("page", sorted(pages()))
def test_generated_reference_is_fresh(page: str) -> None:
    written = (ROOT / page).read_text(encoding="utf-8") if (ROOT / page).exists() else ""
    assert written == pages()[page], f"{page} is stale: run python -m tools.reference"


def test_every_address_of_the_centre_is_described() -> None:
    """Also those of routers that another router includes."""
    text = pages()["docs/reference/api.md"]
    folder = ROOT / "nattevakt/central"
    declared = 0
    for path in sorted(folder.rglob("*.py")):
        for found in re.findall(r"^@router\.(get|put|post)\(.*\)\ndef (\w+)\(", path.read_text("utf-8"), re.MULTILINE):
            declared += 1
            said = docstring(path, found[1])
            assert said in text, f"{name(path)}: {found[1]}"
    assert declared > 40


def docstring(path: Path, function: str) -> str:
    """The first line of what a function says of itself."""
    tree = ast.parse(path.read_text("utf-8"))
    defined = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    return (ast.get_docstring(defined) or "no docstring").splitlines()[0]


def test_every_safety_rule_names_tests_that_exist() -> None:
    """docs/explanation/safety.md: each row of its table names at least one test; each named test is defined."""
    text = (ROOT / "docs/explanation/safety.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(rows) >= 15
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, f"no test named: {row[:80]}"
        for file, function in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert function in defined, f"{file} has no {function}"


def test_architecture_names_functions_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for file, function in re.findall(r"\((nattevakt/[\w/]+\.py)\) `(\w+)`", text):
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in defined, f"{file} has no {function}"


def test_readme_commands_are_doors_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for file in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"make ([a-z]+)", (ROOT / file).read_text(encoding="utf-8")))
        assert named <= targets | {"and"}, f"{file} names {named - targets}"
