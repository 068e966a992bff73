"""Wrong use and bad input: exit status 2, one clear message, no traceback; what was there stays whole."""

import os
import signal
import subprocess
import sys
import time

import pytest

BAD = {
    "no collection": (["search", "{tmp}/none", "x"], "is no nearkin collection"),
    "no file": (["build", "{tmp}/new", "{tmp}/none.csv"], "none.csv: no such file"),
    "wrong ending": (["build", "{tmp}/new", "{tmp}/a.xlsx"], "the format is told by the ending"),
    "duplicate ids": (["build", "{tmp}/new", "{tmp}/twice.csv"], "twice.csv: 1 ids stand more than once in 'id': 'x'"),
    "broken line": (["build", "{tmp}/new", "{tmp}/broken.jsonl"], "broken.jsonl, line 2: not a JSON object"),
    "ragged row": (["build", "{tmp}/new", "{tmp}/ragged.csv"], "row 3 has 1"),
    "unknown field": (["build", "{tmp}/new", "{files}/items.csv", "--id", "nope"], "there is no field 'nope'; the fields are 'sku'"),
    "unknown role": (["build", "{tmp}/new", "{files}/items.csv", "--role", "title=txt"], "'txt' is no role"),
    "role without =": (["build", "{tmp}/new", "{files}/items.csv", "--role", "title"], "expected two names with = between them"),
    "place taken": (["build", "{shop}", "{files}/items.csv"], "exists already"),
    "unknown link": (["build", "{tmp}/new", "{files}/items.csv", "--links", "{tmp}/links.csv"], "not in the catalogue: 'zz'"),
    "nameless links": (["build", "{tmp}/new", "{files}/items.csv", "--links", "{tmp}/twice.csv"], "cannot tell which columns"),
    "unknown id": (["similar", "{shop}", "zz"], "not in this catalogue: 'zz'"),
    "unknown removal": (["remove", "{shop}", "a1", "zz"], "'zz'"),
    "unknown history": (["recommend", "{shop}", "--after", "a1,zz"], "'zz'"),
    "history no list": (["recommend", "{shop}", "--histories", "{tmp}/flat.jsonl"], "must be a list of ids in each line"),
    "added without ids": (["add", "{shop}", "{tmp}/twice.csv"], "the ids of this collection are in the field 'sku'"),
    "no history": (["recommend", "{shop}"], "--after ID,ID"),
    "wrong filter": (["search", "{shop}", "x", "--where", "nope = 1"], "'nope = 1' is not understood"),
    "unknown stage": (["search", "{shop}", "x", "--stage", "nope"], "no stage 'nope'"),
    "k of 0": (["search", "{shop}", "x", "-k", "0"], "Invalid value for '--k' / '-k'"),
    "unknown option": (["search", "{shop}", "x", "--nope"], "No such option"),
    "unknown command": (["fetch"], "No such command"),
    "both kinds of queries": (["search", "{shop}", "x", "--queries", "{tmp}/twice.csv"], "not both"),
    "unknown paper": (["reproduce", "nonsuch"], "no recipe 'nonsuch'"),
}


@pytest.fixture
def bad_files(tmp_path):
    (tmp_path / "a.xlsx").write_text("x")
    (tmp_path / "twice.csv").write_text("id,t\nx,1\nx,2\n")
    (tmp_path / "broken.jsonl").write_text('{"id": "x"}\n{"id"\n')
    (tmp_path / "ragged.csv").write_text("id,t\nx,1\ny\n")
    (tmp_path / "flat.jsonl").write_text('{"id": "u", "history": "a1"}\n')
    (tmp_path / "links.csv").write_text("user,item\nu,a1\nu,zz\n")
    return tmp_path


@pytest.mark.parametrize("case", BAD)
def test_refusals_exit_with_2_and_one_message(case, run, bad_files, files, shop):
    arguments, message = BAD[case]
    places = {"tmp": bad_files, "files": files, "shop": shop}
    done = run(*[each.format(**places) for each in arguments])
    assert done.exit_code == 2
    assert " ".join(message.split()) in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (bad_files / "new").exists()


def test_every_command_has_help(run):
    from nearkin.cli.app import app

    for command in app.registered_commands:
        done = run(command.callback.__name__, "--help")
        assert done.exit_code == 0
        assert "Usage" in done.stdout


def test_a_process_refuses_without_a_traceback(process, tmp_path):
    done = process("search", tmp_path / "none", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nearkin: ")
    assert done.stderr.count("\n") == 1


def test_words_that_are_not_utf8_are_refused(process, built):
    done = process("search", built, "caf\udce9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet(built):
    command = f"{sys.executable} -m nearkin export {built} --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_ctrl_c_leaves_nothing_half_built(tmp_path):
    (tmp_path / "big.csv").write_text("id,title\n" + "".join(f"{n},some words of thing {n}\n" for n in range(200_000)))
    place = tmp_path / "new"
    command = [sys.executable, "-m", "nearkin", "build", str(place), str(tmp_path / "big.csv")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as started:
        for line in started.stderr:
            if line.startswith("writing"):
                break
        time.sleep(0.2)
        os.killpg(started.pid, signal.SIGINT)
        rest = started.stderr.read()
        assert started.wait(timeout=60) == 130
    assert "nearkin: interrupted" in rest
    assert "Traceback" not in rest
    assert [path.name for path in tmp_path.iterdir()] == ["big.csv"]


def test_commands_import_nothing_heavy_before_they_run():
    code = "import sys, nearkin.cli.app; print(sorted({'numpy', 'pyarrow', 'torch', 'lance', 'scipy', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
