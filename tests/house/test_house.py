"""The house itself: light to import, layers kept, every part under a contract, nothing unsafe, nothing shipped that may not be."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import nearkin
from nearkin.stage import Encoder, Index, Stage

ROOT = Path(nearkin.__file__).parent
ROOMS = ("encoders", "indexes", "refiners", "matchers", "codecs", "projections")
HEAVY = ("torch", "lance", "faiss", "usearch", "numba", "scipy", "transformers", "sklearn", "pandas", "polars", "pyarrow")


def parts() -> dict[str, type]:
    """Every final stage of every room, by name."""
    found = {}
    for room in ROOMS:
        for module in pkgutil.iter_modules([str(ROOT / room)]):
            home = importlib.import_module(f"nearkin.{room}.{module.name}")
            for name, kind in inspect.getmembers(home, inspect.isclass):
                if issubclass(kind, Stage) and kind.__module__ == home.__name__ and not inspect.isabstract(kind):
                    found[name] = kind
    return found


def test_importing_nearkin_loads_nothing_heavy():
    code = f"import sys, nearkin; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_help_of_the_command_line_loads_no_engine():
    code = (
        "import sys; sys.argv = ['nearkin', '--help']\nimport nearkin.cli\ntry: nearkin.cli.main()\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.strip() == "[]"


# The suites of these kinds find their parts themselves, and fail for one that they cannot make.
FOUND_BY_THEIR_SUITE = (Encoder, Index)
EXCUSED = {
    "Bm25": "the weighting of the plain InvertedIndex, which is in the suite of indexes",
    "Rerank": "needs a cross-encoder, made in tests/refiners/test_rerank.py",
    "CrossEncoder": "needs weights, made in tests/refiners/test_cross_encoder.py",
    "CachedScores": "writes to the cache; tests/refiners/test_cross_encoder.py gives it a folder of its own",
    "_OfQueries": "the queries' side of Fde, made by its asking(); tests/projections/test_fde.py compares both with loops",
    "Recformer": "a language model reads every text; tests/recipes/test_recformer.py runs it over the same points",
    "MovingProfile": "made by a profile that follows a catalogue; tests/collection/test_fresh.py compares it with one fitted afresh",
    "InRows": "a model of links in the rows of another catalogue, made by Following; tests/collection/test_fresh.py compares it so",
    "Mixture": "answers from histories and vectors at once; tests/recipes/test_knn_embed.py compares it with loops",
}


@pytest.mark.parametrize(
    "name", sorted(name for name, kind in parts().items() if not issubclass(kind, FOUND_BY_THEIR_SUITE) and name not in EXCUSED)
)
def test_every_part_stands_in_a_contract_suite(name):
    """A part that no suite runs over is a part that may break unseen."""
    suites = "".join(path.read_text() for path in (Path(__file__).parents[1] / "contracts").glob("*.py"))
    assert f"{name}(" in suites, f"{name} is in no suite under tests/contracts"


@pytest.mark.parametrize("name", sorted(parts()))
def test_every_part_says_what_it_does(name):
    assert len((parts()[name].__doc__ or "").split()) >= 8


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_runs_code_from_data(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "os.system", "pickle.load", "pickle.loads"}, f"{path}:{node.lineno} calls {called}"
            assert "allow_pickle=True" not in ast.unparse(node), f"{path}:{node.lineno} allows pickles"
            if called == "torch.load":
                assert "weights_only=True" in ast.unparse(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert "pickle" not in ast.unparse(node), f"{path}:{node.lineno} imports pickle"


def test_what_is_shipped_is_small():
    sizes = {path: path.stat().st_size for path in ROOT.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc", ".nbi", ".nbc"}}
    weights = sum(size for path, size in sizes.items() if "weights" in path.parts)
    samples = sum(size for path, size in sizes.items() if "samples" in path.parts)
    assert weights <= 10 << 20
    assert samples <= 6 << 20


@pytest.mark.xdist_group("grouped")
def test_a_group_of_tests_stays_in_one_process(request):
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests are not grouped: run with --dist loadgroup")
    assert request.node.nodeid.endswith("@grouped"), "this xdist forgets groups under this pytest; take the versions of constraints.txt"
