"""The loop learns, stops early, keeps the best, goes on after kill -9 to the same weights, and shares work between processes."""

from __future__ import annotations

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nearkin.errors import BadInput  # noqa: E402
from nearkin.training import checkpoint  # noqa: E402
from nearkin.training.log import time_left  # noqa: E402
from nearkin.training.train import train  # noqa: E402
from tests.training.small_run import Points, loss_of, network, run  # noqa: E402

ROOT = Path(__file__).parents[2]


def same(left, right) -> bool:
    return all(torch.equal(one, other) for one, other in zip(left.state_dict().values(), right.state_dict().values(), strict=True))


def started(folder: Path, wait_s: float, out: Path | None = None, **environment: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.training.small_run", str(folder), str(wait_s), *([str(out)] if out else [])]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, stderr=subprocess.PIPE)


def test_it_learns_and_a_seed_has_one_result():
    model, found = run(None, epochs=15)
    again, _ = run(None, epochs=15)
    assert same(model, again)
    assert found.losses[-1] < 0.6 * found.losses[0]
    assert found.steps == 15 * 6
    assert not same(model, run(None, epochs=15, seed=4)[0])


def test_random_numbers_of_the_caller_are_left_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    run(None)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    whole, found = run(tmp_path / "whole")
    process = started(tmp_path / "killed", 0.25)
    goal, limit = tmp_path / "killed" / checkpoint.NAME, time.monotonic() + 600
    while True:
        kept = checkpoint.read(tmp_path / "killed") if goal.exists() else None
        if kept and kept[1]["found"]["steps"] >= 8:  # in the second epoch, not at its start
            break
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    facts = checkpoint.read(tmp_path / "killed")[1]
    assert facts["found"]["steps"] < found.steps
    resumed, there = run(tmp_path / "killed")
    assert same(whole, resumed)
    assert there.losses == found.losses
    logs = [list(csv.DictReader((tmp_path / name / "log.csv").read_text().splitlines())) for name in ("whole", "killed")]
    assert [row["step"] for row in logs[0]] == [row["step"] for row in logs[1]]


def test_a_finished_run_is_not_trained_further(tmp_path):
    whole, found = run(tmp_path)
    again, there = run(tmp_path)
    assert same(whole, again)
    assert there == found


def test_two_processes_do_the_work_of_one_that_takes_two_batches_a_step(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    monkeypatch.setenv("SMALL_RUN_DROPOUT", "0")  # each process draws its own
    both = [started(tmp_path / "run", 0.0, tmp_path / f"{rank}", RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in (0, 1)]
    for process in both:
        assert process.wait(600) == 0, process.stderr.read().decode()
        process.stderr.close()
    alone, _ = run(None, accumulate=2)
    for rank in (0, 1):
        for name, value in load_file(tmp_path / f"{rank}").items():
            torch.testing.assert_close(value, alone.state_dict()[name], atol=1e-4, rtol=1e-4)
    assert (tmp_path / "run" / "log.csv").exists()


def test_accumulated_batches_make_fewer_steps():
    assert run(None, accumulate=4)[1].steps == 4 * 2  # six batches an epoch: one step of four, one of two


def test_the_weights_with_the_best_validation_are_kept_and_patience_ends_the_run():
    values, kept = [0.1, 0.5, 0.3, 0.2, 0.9], []
    model = network()

    def validate() -> float:
        assert not model.training
        assert not torch.is_grad_enabled()
        kept.append({name: each.clone() for name, each in model.state_dict().items()})
        return values[len(kept) - 1]

    from nearkin.training.settings import Training

    found = train(model, Points(), loss_of(model), Training(epochs=9, patience=2), validate=validate)
    assert found.validations == values[:4]
    assert found.best_epoch == 1
    assert all(torch.equal(each, kept[1][name]) for name, each in model.state_dict().items())


def test_another_run_in_the_same_folder_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(BadInput, match=r"differs in .*lr"):
        run(tmp_path, lr=0.01)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    run(tmp_path)
    (tmp_path / checkpoint.NAME).write_bytes(b"nothing")
    with pytest.raises(BadInput, match="no checkpoint"):
        run(tmp_path)


def test_a_loss_that_is_not_finite_is_refused():
    from nearkin.training.settings import Training

    model = network()
    with pytest.raises(BadInput, match="the loss became nan"):
        train(model, Points(), lambda batch: loss_of(model)(batch) * float("nan"), Training(epochs=1))


def test_nothing_to_train_on_is_refused():
    with pytest.raises(BadInput, match="no batches"):
        run(None, batches=Points(count=0))


def test_a_step_is_followed_by_what_the_caller_asks_for():
    from nearkin.training.settings import Training

    model = network()
    train(model, Points(), loss_of(model), Training(epochs=2, lr=0.5, warmup=0), after_step=lambda: model[0].weight.clamp_(-0.1, 0.1))
    assert model[0].weight.abs().max() <= 0.1


def test_groups_have_rates_of_their_own():
    from nearkin.training.settings import Training

    model = network()
    before = model[0].weight.detach().clone()
    groups = [{"params": [model[0].weight], "lr": 0.0}, {"params": [model[3].weight]}]
    train(model, Points(), loss_of(model), Training(epochs=1, weight_decay=0.0), groups=groups)
    assert torch.equal(model[0].weight, before)


def test_bfloat16_can_be_asked_for():
    assert np.isfinite(run(None, half=True)[1].losses).all()


def test_time_left_is_readable():
    assert [time_left(each) for each in (5, 62, 3725)] == ["0:05", "1:02", "1:02:05"]
