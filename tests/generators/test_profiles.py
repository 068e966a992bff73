"""Profiles say what may be learned from and nothing else; a language model may rewrite them, and its answers are kept."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from nearkin import worlds
from nearkin.errors import BadInput
from nearkin.generators.chat_model import ChatModel
from nearkin.generators.profiles import VERSIONS, item_profiles, user_profiles
from nearkin.generators.recorded import Recorded
from nearkin.generators.writer import Writer, summary
from nearkin.tables import Catalog, Links

SPLIT = worlds.cycles(users=60, circles=5, noise=0.3, seed=2).interactions.split("last")
TRAIN = SPLIT.train


@pytest.mark.parametrize("version", range(VERSIONS))
def test_no_profile_saw_a_held_out_link(version):
    pairs = set(TRAIN.pairs())
    users, items = user_profiles(TRAIN, version=version), item_profiles(TRAIN, version=version)
    said = {(user, item) for user, sources in zip(users.id_list, users["sources"]) for item in sources}
    assert said == pairs
    for item, people in zip(items.id_list, items["sources"]):
        assert {(user, item) for user in people} <= pairs
    moved = Links(TRAIN.left, TRAIN.right, SPLIT.test.left_rows, SPLIT.test.right_rows[::-1])
    assert users["profile"] != user_profiles(moved, version=version)["profile"]  # links do speak in a profile ...
    offsets, rows = TRAIN.by_left()
    names = TRAIN.right["title"]
    for user, text in enumerate(users["profile"]):  # ... and a title stands in it only when the user had it in training
        had = {names[row] for row in rows[offsets[user] : offsets[user + 1]]}
        assert {name for name in names if name in text} <= had


def test_an_item_is_told_by_its_name_its_kinds_and_its_companions():
    items = Catalog.of("abc", title=["red shoe", "blue sock", "hat"], category=[["shoe", "red"], ["sock"], []])
    links = Links(Catalog.of("uv"), items, [0, 0, 1, 1], [0, 1, 0, 1])
    made = item_profiles(links)
    assert made["profile"] == ["red shoe. shoe, red. Had together with: blue sock", "blue sock. sock. Had together with: red shoe", "hat"]
    assert made["sources"] == [["u", "v"], ["u", "v"], []]
    assert user_profiles(links)["profile"][0] == "blue sock; red shoe. Likes sock, shoe, red"
    assert item_profiles(links, near=0)["profile"][1] == "blue sock. sock"


def test_no_history_and_no_attribute_make_an_empty_profile():
    links = Links(Catalog.of("uv"), Catalog.of("ab", title=["", "x"], category=[[], []]), [0], [1])
    assert user_profiles(links)["profile"] == ["x", ""]
    assert item_profiles(links, near=0)["profile"] == ["", "x"]


class Scripted(Writer):
    name = "scripted"

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def write(self, prompt, /):
        self.asked.append(prompt)
        return self.answers[len(self.asked) % len(self.answers)]


def test_a_writer_rewrites_and_what_is_of_no_use_leaves_the_template():
    good = json.dumps({"summarization": "A thing  for cats", "reasoning": "cats"})
    writer = Scripted([good, "I'm sorry, I cannot help", "{broken", "x" * 2000])
    made, plain = item_profiles(TRAIN, writer=writer), item_profiles(TRAIN)
    for text, template, maker in zip(made["profile"], plain["profile"], made["maker"]):
        assert (text, maker) in {("A thing for cats", "scripted"), (template, "template 0")}
    assert set(made["maker"]) == {"scripted", "template 0"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('```json\n{"summarization": "a b"}\n```', "a b"),
        ("plain", "plain"),
        ("", None),
        ("{}", None),
        ('{"summarization": 3}', None),
        ("[]", "[]"),
    ],
)
def test_answers_are_read(answer, said):
    assert summary(answer) == said


def test_answers_are_kept_and_read_again_without_the_writer(tmp_path):
    path, writer = tmp_path / "answers.jsonl", Scripted(["one", "two"])
    first = Recorded(path=path, writer=writer)
    answers = [first.write("p"), first.write("q"), first.write("p")]
    assert len(writer.asked) == 2
    with path.open("a") as file:
        file.write('{"key": "cut sh')
    replay = Recorded(path=path, name="scripted")
    assert [replay.write("p"), replay.write("q"), replay.write("p")] == answers
    with pytest.raises(BadInput, match="holds no answer"):
        replay.write("r")
    Recorded(path=path, writer=writer).write("r")
    assert Recorded(path=path, name="scripted").write("r")


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "odd").write_text("hello\n")
    with pytest.raises(BadInput, match="line 1 is no recorded answer"):
        Recorded(path=tmp_path / "odd").write("p")


@pytest.fixture
def server():
    """A chat server on this machine: busy at first, then it answers with what it was asked."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, self.headers.get("Authorization"), told))
            status = 503 if len(seen) == 1 else 400 if told["model"] == "wrong" else 200
            body = json.dumps({"choices": [{"message": {"content": "said " + told["messages"][0]["content"]}}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/v1", seen
    running.shutdown()
    running.server_close()


def test_a_chat_server_is_asked_over_http(server, monkeypatch, tmp_path):
    address, seen = server
    monkeypatch.setenv("SOME_KEY", "secret")
    monkeypatch.setattr("nearkin.generators.chat_model.time.sleep", lambda _: None)
    model = ChatModel(address=address, model="small", key_from="SOME_KEY")
    kept = Recorded(path=tmp_path / "answers.jsonl", writer=model)
    assert [kept.write("hello"), kept.write("hello")] == ["said hello"] * 2
    assert [(path, key) for path, key, _ in seen] == [("/v1/chat/completions", "Bearer secret")] * 2  # busy once, asked again
    assert seen[1][2]["messages"] == [{"role": "user", "content": "hello"}]
    assert "secret" not in repr(model) + (tmp_path / "answers.jsonl").read_text()
    with pytest.raises(BadInput, match="answered 400"):
        ChatModel(address=address, model="wrong").write("hello")


def test_an_address_where_nobody_answers_is_refused(monkeypatch):
    monkeypatch.setattr("nearkin.generators.chat_model.time.sleep", lambda _: None)
    with pytest.raises(BadInput, match="cannot be reached"):
        ChatModel(address="http://127.0.0.1:9/v1", model="m", tries=2).write("hello")
    with pytest.raises(BadInput, match="begins with http"):
        ChatModel(address="file:///etc", model="m").write("hello")


def test_companions_are_those_met_most_over_the_root_of_how_often_they_stand():
    from nearkin.generators.profiles import SMOOTH, companions

    beside, people = companions(TRAIN, 2)
    had = np.zeros((len(TRAIN.left), len(TRAIN.right)))
    had[TRAIN.left_rows, TRAIN.right_rows] = 1
    weight = had.T @ had / np.sqrt(had.sum(0) + SMOOTH)
    np.fill_diagonal(weight, 0)
    for row, found in enumerate(beside):
        best = np.sort(weight[row])[::-1][: len(found)]
        np.testing.assert_allclose(weight[row][found], best, rtol=1e-5)
        assert people[row] == [user for user in range(len(had)) if had[user, row] and had[user, found].any()]
