"""Matching over HTTP: rows of a request, and matches that are kept, paged through and judged."""

from __future__ import annotations

import json

import httpx2
import pytest

from nearkin import worlds
from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.service.jobs import DONE, FAILED
from nearkin.service.keys import Keys
from nearkin.service.matchwork import keep_match
from nearkin.service.state import FOLDER, State
from nearkin.tables import Catalog
from tests.service.conftest import Crew, served
from tests.service.test_jobs import start, wait

WORLD = worlds.two_lists(left=60, right=100, overlap=0.6, typos=0.2, seed=3)
TRUTH = dict(WORLD.truth.pairs())
ROWS = [
    {"key": name, **{field: WORLD.queries[field][row] for field in ("name", "year", "code")}}
    for row, name in enumerate(WORLD.queries.id_list)
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("match") / "books"
    Collection.build(folder, WORLD.items)
    imports = folder / FOLDER / "imports"
    imports.mkdir(parents=True, mode=0o700)
    (imports / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return folder


def test_each_row_is_told_its_thing_as_a_collection_tells_it(http, place):
    answer = http.post("/v1/match", json={"left": ROWS, "id": "key", "explain": True})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    with Collection.open(place) as books:
        exact = books.match(WORLD.queries, explain=True)
    assert [(each["left"], each["right"], each["band"]) for each in body["matches"]] == [(one.left, one.right, one.band) for one in exact]
    assert sum(TRUTH.get(each["left"]) == each["right"] for each in body["matches"]) >= 0.95 * len(ROWS)
    assert body["bands"] == exact.bands()
    assert body["expected"] == exact.expected
    for each, one in zip(body["matches"], exact, strict=True):
        assert each["chance"] == one.chance
        if each["right"] is not None:
            assert each["fields"]["id"] == each["right"]
            assert each["why"]["start"] + sum(bar["weight"] for bar in each["why"]["parts"]) == pytest.approx(each["score"], abs=1e-6)


def test_only_what_passes_the_filters_is_found(http):
    left, right = next((left, right) for left, right in TRUTH.items())
    for told in ({"where": f"id <> '{right}'"}, {"right": [name for name in WORLD.items.id_list if name != right]}):
        matches = http.post("/v1/match", json={"left": ROWS, "id": "key", **told}).json()["matches"]
        assert right not in {each["right"] for each in matches}
        assert [each["left"] for each in matches] == list(WORLD.queries.id_list)
    assert left in TRUTH


def test_rows_are_called_by_their_place_and_lines_can_be_asked_for(http):
    rows = [{"id": 3, "name": each["name"], "tags": ["a", "b"], "new": True} for each in ROWS[:20]]
    answer = http.post("/v1/match", json={"left": rows, "fields": ["year"]}, headers={"Accept": "application/x-ndjson"})
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["left"] for line in lines] == [str(row) for row in range(20)]
    assert all(set(line["fields"]) <= {"id", "year"} for line in lines)
    assert last["summary"]["bands"].keys() == {"sure", "maybe", "no"}


def test_a_few_rows_get_no_invented_chance(http):
    body = http.post("/v1/match", json={"left": [ROWS[0], {"name": None}], "id": None}).json()
    assert [each["chance"] for each in body["matches"]] == [None, None]
    assert (body["expected"], body["precision"], body["bands"]["sure"]) == (None, None, 0)
    assert "no estimate" in body["warnings"][0]


def test_given_pairs_of_things_are_scored_in_their_order_with_bars_and_under_filters(tmp_path):
    names = [*(f"l{name}" for name in WORLD.queries.id_list), *(f"r{name}" for name in WORLD.items.id_list)]
    both = Catalog.of(names, **{field: WORLD.queries[field] + WORLD.items[field] for field in ("name", "year", "code")})
    Collection.build(tmp_path / "both", both).close()
    true = [[f"l{left}", f"r{right}"] for left, right in TRUTH.items()]
    pairs = [*true, *([left, true[row - 5][1]] for row, (left, _) in enumerate(true))]
    with served(create_app(tmp_path / "both")) as address, httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        body = client.post("/v1/match", json={"pairs": pairs, "explain": True, "fields": ["year"]}).json()
        hidden = client.post("/v1/match", json={"pairs": pairs, "where": "id < 'r'"})
    assert [[each["left"], each["right"]] for each in body.get("matches", [])] == pairs, body
    bands = [each["band"] for each in body["matches"]]
    assert bands[: len(true)].count("sure") >= 0.9 * len(true)
    assert bands[len(true) :].count("no") >= 0.95 * len(true)
    assert (body["expected"], body["warnings"]) == (None, [])
    for each in body["matches"]:
        assert each["why"]["start"] + sum(bar["weight"] for bar in each["why"]["parts"]) == pytest.approx(each["score"], abs=1e-6)
        assert set(each["fields"]) == {"id", "year"}
    assert hidden.status_code == 422
    assert {flaw["pointer"] for flaw in hidden.json()["errors"]} >= {"/pairs/0/1"}


@pytest.mark.parametrize(
    ("told", "pointer", "says"),
    [
        ({}, "", "either"),
        ({"left": [{}], "pairs": [["b0", "b1"]]}, "", "either"),
        ({"pairs": [["b0", "b1"]], "one_to_one": True}, "", "leave them out"),
        ({"pairs": [["b0"]]}, "/pairs/0", "at least 2"),
        ({"pairs": [["nothing", "none"]]}, "/pairs/0/0", "no thing"),
        ({"pairs": [[WORLD.items.id_list[0]] * 2]}, "/pairs/0", "itself"),
        ({"left": []}, "/left", "at least 1"),
        ({"left": [{}] * 1001}, "/left", "1000"),
        ({"left": [{"a": 1}, {"a": "x"}]}, "/left", "several kinds"),
        ({"left": [{"a": {"b": 1}}]}, "/left/0/a", "valid"),
        ({"left": [{"a": "x" * 20_001}]}, "/left/0/a", "20000"),
        ({"left": [{"key": "a"}, {"key": "a"}], "id": "key"}, "/left/1/key", "same id"),
        ({"left": [{"name": "a"}], "id": "key"}, "/left/0/key", "lack"),
        ({"left": [{"name": "a"}], "roles": {"nam": "text"}}, "/roles/nam", "no row"),
        ({"left": [{"name": "a"}], "where": "prize < 3"}, "/where", "prize"),
        ({"left": [{"name": "a"}], "threshold": 1}, "/threshold", "less than 1"),
        ({"left": [{"name": "a"}], "fields": ["titel"]}, "/fields/0", "titel"),
        ({"left": [{"name": "a"}], "rigth": []}, "/rigth", "not known"),
    ],
)
def test_what_is_wrong_is_refused(http, told, pointer, says):
    answer = http.post("/v1/match", json=told)
    assert answer.status_code == 422
    flaws = answer.json()["errors"]
    assert any(flaw["pointer"].startswith(pointer) and says in flaw["message"] for flaw in flaws), flaws


@pytest.fixture(scope="module")
def kept(http):
    assert http.get("/v1/matches/newest").status_code == 404
    told = wait(http, start(http, kind="match", file="rows.jsonl", id="key"))
    assert told["state"] == DONE, told
    assert told["result"]["bands"]["sure"] > 20
    return f"/v1/matches/{told['result']['match']}"


def test_a_match_is_listed_and_its_bands_hold_every_pair_once(http, kept):
    first = http.get("/v1/matches").json()["matches"][0]
    assert kept.endswith(first["id"])
    assert (first["name"], first["rows"], first["scale"]) == ("rows.jsonl", len(ROWS), "log-odds")
    seen = []
    for band in ("sure", "maybe", "no"):
        offset = 0
        while (page := http.get(kept, params={"band": band, "offset": offset, "k": 7}).json())["pairs"]:
            seen += page["pairs"]
            offset += 7
        assert page["total"] == page["bands"][band]
    assert sorted(each["pair"] for each in seen) == list(range(first["pairs"]))
    sure = http.get(kept, params={"band": "sure", "k": 100}).json()["pairs"]
    assert [each["score"] for each in sure] == sorted((each["score"] for each in sure), reverse=True)
    assert sum(TRUTH.get(each["left"]) == each["right"] for each in sure) >= 0.95 * len(sure)
    assert http.get("/v1/matches/newest").json()["match"]["id"] == first["id"]
    wider = http.get(kept, params={"threshold": 0.99}).json()["bands"]
    assert sum(wider.values()) == first["pairs"]


def test_a_pair_shows_both_sides_and_bars_that_sum_to_its_score(http, kept):
    some = http.get(kept, params={"band": "sure"}).json()["pairs"][1]
    one = http.get(f"{kept}/pairs/{some['pair']}").json()
    assert one["left_fields"] == next(row for row in ROWS if row["key"] == some["left"])
    assert one["right_fields"]["id"] == some["right"]
    assert one["why"]["start"] + sum(bar["weight"] for bar in one["why"]["parts"]) == pytest.approx(one["score"], abs=1e-6)
    name = next(bar for bar in one["why"]["parts"] if bar["name"] == "name")
    assert (name["left"], name["right"]) == (one["left_fields"]["name"], one["right_fields"]["name"])
    assert (one["place"], one["changed"], one["may_judge"]) == (2, False, True)
    assert http.get(f"{kept}/pairs/{one['before']}").json()["place"] == 1
    assert http.get(f"{kept}/pairs/9999").status_code == 404


def test_pairs_are_judged_taken_back_and_exported(http, kept):
    for pair, verdict in ((0, "same"), (1, "different"), (1, "unsure"), (2, "same")):
        told = http.put(f"{kept}/pairs/{pair}", json={"verdict": verdict})
        assert told.status_code == 200, told.text
    assert told.json()["judged"] == {"same": 2, "different": 0, "unsure": 1, "foretold_same": pytest.approx(2, abs=0.3)}
    assert http.get(f"{kept}/pairs/1").json()["verdict"] == "unsure"
    http.put(f"{kept}/pairs/2", json={"verdict": None})
    lines = [json.loads(line) for line in http.get(f"{kept}/judgements").text.splitlines()]
    assert [(line["pair"], line["verdict"]) for line in lines] == [(0, "same"), (1, "unsure")]
    assert TRUTH[lines[0]["left"]] == lines[0]["right"]
    assert http.put(f"{kept}/pairs/0", json={"verdict": "perhaps"}).status_code == 422
    assert http.put(f"{kept}/pairs/9999", json={"verdict": "same"}).status_code == 404


def test_a_thing_that_is_gone_is_in_no_pair_and_one_that_changed_is_marked(http, kept, place):
    sure = http.get(kept, params={"band": "sure"}).json()
    gone, other = sure["pairs"][3], sure["pairs"][4]
    was = http.get(f"/v1/items/{gone['right']}").json()["item"]
    http.delete(f"/v1/items/{gone['right']}")
    after = http.get(kept, params={"band": "sure"}).json()
    assert (after["total"], after["gone"]) == (sure["total"] - 1, 1)
    assert http.get(f"{kept}/pairs/{gone['pair']}").status_code == 404
    http.patch(f"/v1/items/{other['right']}", json={"year": None})
    assert http.get(f"{kept}/pairs/{other['pair']}").json()["changed"] is True
    assert http.put(f"/v1/items/{gone['right']}", json=was).status_code == 201


def test_a_collection_with_itself_keeps_no_text_and_can_be_forgotten(http, place):
    told = wait(http, start(http, kind="match", where="year is not null"))
    assert told["state"] == DONE, told
    path = place / FOLDER / "matches" / f"{told['result']['match']}.arrow"
    body = path.read_bytes()
    assert not [name for name in WORLD.items["name"] if name and name.encode() in body]
    assert http.get(f"/v1/matches/{told['result']['match']}").json()["match"]["name"] is None
    assert http.delete(f"/v1/matches/{told['result']['match']}").status_code == 204
    assert not path.exists()
    assert http.get(f"/v1/matches/{told['result']['match']}").status_code == 404
    assert http.delete("/v1/matches/..%2f..%2fkin.toml").status_code == 404


def test_a_job_that_cannot_be_done_says_why(http):
    told = wait(http, start(http, kind="match", file="absent.csv", where="year > 0"))
    assert (told["state"], "no file" in told["problem"]) == (FAILED, True)
    assert http.post("/v1/jobs", json={"kind": "match", "file": "../kin.toml"}).status_code == 422


def test_keys_say_who_may_look_and_who_may_judge(tmp_path):
    Collection.build(tmp_path / "books", WORLD.items)
    state = State(tmp_path / "books")
    keys = Keys(state)
    reads, filtered = keys.add(["read"]), keys.add(["read"], where="year > 1990")
    state.close()
    with served(create_app(tmp_path / "books")) as address, httpx2.Client(base_url=address, timeout=30, trust_env=False) as client:
        as_reader, as_filtered = ({"Authorization": f"Bearer {key}"} for key in (reads, filtered))
        assert client.get("/v1/matches", headers=as_reader).json()["matches"] == []
        assert client.get("/v1/matches", headers=as_filtered).status_code == 403
        assert client.put("/v1/matches/newest/pairs/0", json={"verdict": "same"}, headers=as_reader).status_code == 403
        seen = client.post("/v1/match", json={"left": ROWS, "id": "key"}, headers=as_filtered).json()["matches"]
        assert [each for each in seen if each["right"]]
        assert all(int(each["fields"]["year"]) > 1990 for each in seen if each["right"])


def test_what_is_said_to_one_worker_the_other_shows(tmp_path):
    with Collection.build(tmp_path / "books", WORLD.items) as books:
        kept = keep_match(books, WORLD.queries, "rows.jsonl", None, one_to_one=True, say=lambda *_, **__: None)["match"]
    with Crew.of(tmp_path / "books") as crew:
        one, other = (httpx2.Client(base_url=address, timeout=60, trust_env=False) for address in crew.addresses)
        pair = f"/v1/matches/{kept}/pairs/0"
        for asked, shows, verdict in ((one, other, "same"), (other, one, "different")):
            assert asked.put(pair, json={"verdict": verdict}).status_code == 200
            assert shows.get(pair).json()["verdict"] == verdict
        assert one.delete(f"/v1/matches/{kept}").status_code == 204
        assert other.get(pair).status_code == 404
        one.close()
        other.close()
