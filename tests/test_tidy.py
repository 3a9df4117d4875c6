"""House rules that a machine can check. Each failure names the file and what to do."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = sorted((ROOT / "nattevakt").rglob("*.py"))
CODE = sorted([*PRODUCT, *(path for folder in ("tests", "bench", "tools") for path in (ROOT / folder).rglob("*.py"))])
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

BOUNDARIES = {
    "nattevakt/gateway/agent.py",
    "nattevakt/gateway/ports.py",
    "nattevakt/central/app.py",
    "nattevakt/central/sweep.py",
    "nattevakt/central/notify/dispatch.py",
    "nattevakt/central/supervision.py",
    "nattevakt/central/tablet/live.py",
}
"""The loops at the edge of the process: only they may catch everything, and each must log and count it."""

LATE_IMPORT = "nattevakt/gateway/crypto.py"
"""The one module that may import late: a gateway without a secured device never loads AES."""

CLOCKS = {"nattevakt/gateway/clock.py", "nattevakt/central/clock.py"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Parametrized with scope="module", the tests of one file run one after the other: each file is read once, and none is
# kept in memory for long.
@lru_cache(maxsize=4)
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


@lru_cache(maxsize=4)
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", CODE, ids=name, scope="module")
def test_files_and_functions_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES_MAX, f"{name(path)} has {lines} lines: split it by meaning"
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{name(path)}:{function.name} has {length} lines"


@pytest.mark.parametrize("path", CODE, ids=name, scope="module")
def test_every_module_says_what_it_owns(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(tree(path)), f"{name(path)} has no module docstring"


@pytest.mark.parametrize("path", PRODUCT, ids=name, scope="module")
def test_public_things_have_docstrings(path: Path) -> None:
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name(path)}:{node.name} is public and has no docstring"


def broad(handler: ast.ExceptHandler) -> bool:
    """Whether it swallows everything; one that ends by raising it again swallows nothing."""
    if isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
        return False
    caught = handler.type
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    everything = {"Exception", "BaseException"}
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in everything) for kind in kinds)


@pytest.mark.parametrize("path", PRODUCT, ids=name, scope="module")
def test_broad_except_only_at_the_boundaries(path: Path) -> None:
    if name(path) in BOUNDARIES:
        return
    for node in nodes(path):
        if isinstance(node, ast.ExceptHandler):
            assert not broad(node), f"{name(path)}:{node.lineno} catches everything"


@pytest.mark.parametrize("path", PRODUCT, ids=name, scope="module")
def test_no_late_imports(path: Path) -> None:
    if name(path) == LATE_IMPORT:
        return
    for function in functions(path):
        for node in ast.walk(function):
            assert not isinstance(node, ast.Import | ast.ImportFrom), f"{name(path)}:{function.name} imports late"


@pytest.mark.parametrize("path", PRODUCT, ids=name, scope="module")
def test_only_clock_modules_read_a_clock(path: Path) -> None:
    if name(path) in CLOCKS or name(path).startswith("nattevakt/sim/"):
        return
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time":
            assert node.attr in {"tzset"}, f"{name(path)}:{node.lineno}: take a clock as argument"


def test_an_alarm_is_never_called_an_alert() -> None:
    for path in PRODUCT:
        for node in nodes(path):
            names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            names += [node.id] if isinstance(node, ast.Name) else []
            assert not [n for n in names if "alert" in n.lower()], f"{name(path)}: the word is alarm"


def words_used(paths: list[Path]) -> set[str]:
    return {word for path in paths for word in re.findall(r"[A-Za-z_]\w+", path.read_text(encoding="utf-8"))}


def test_no_public_function_is_dead_or_untested() -> None:
    """Every public function is named by a test, or by product code other than its own definition."""
    in_tests = words_used([*(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])
    uses = Counter(word for path in PRODUCT for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))
    dead = []
    for path in PRODUCT:
        for function in functions(path):
            if function.name.startswith("_") or function.name in in_tests or function.decorator_list:
                continue
            if uses[function.name] < 2:
                dead.append(f"{name(path)}:{function.name}")
    assert not dead, dead


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / entry for entry in listed.split("\0") if entry and (ROOT / entry).is_file()]


def test_nothing_tracked_names_this_machine_or_a_registry() -> None:
    """Paths of the machine that built it and addresses of package registries do not belong in the repository."""
    registries = ["pypi" + ".org", "python" + "hosted", "registry.npm" + "js"]
    words = [word for word in (f"{ROOT}/", f"{Path.home()}/", *registries) if len(word) > 3]
    bad = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        bad += [f"{name(path)} names {word}" for word in words if word in text]
    assert not bad, bad


def test_import_contracts_hold_and_a_planted_violation_is_found(tmp_path: Path) -> None:
    """lint-imports is green on the tree and red on a copy where edge opens a socket."""
    copy = tmp_path / "nattevakt"
    for path in [*PRODUCT, ROOT / "pyproject.toml"]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())

    program = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"

    def lint() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    clean = lint()
    assert clean.returncode == 0, clean.stdout
    wire = copy / "edge/wire.py"
    wire.write_text(wire.read_text(encoding="utf-8") + "\nimport socket\n", encoding="utf-8")
    planted = lint()
    assert planted.returncode != 0
    assert "edge does no input or output" in planted.stdout
