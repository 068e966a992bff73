"""SASRec of RecBole, cross-entropy over all items, other settings its own; started by `sequence_speed.py` with the Python that has RecBole.

RecBole learns from each beginning of a history as a sequence of its own. Its own evaluation does not mask what was had, so the lists are
made here from its scores of all items.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import recbole
import torch
from exchange import KEPT, Clock, Histories, tell, told
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender import SASRec
from recbole.trainer import Trainer
from recbole.utils import init_seed

BATCH = 256


def write(histories: Histories, folder: Path) -> None:
    """Histories as RecBole reads them; time is the place among all, since only the order within a user counts."""
    place = folder / "histories"
    place.mkdir()
    columns = np.stack([histories.users, histories.items, np.arange(len(histories.users))], axis=1)
    head = "user_id:token\titem_id:token\ttimestamp:float"
    np.savetxt(place / "histories.inter", columns, fmt="%d", delimiter="\t", header=head, comments="")


def settings(asked: Any, folder: Path) -> dict[str, Any]:
    return {
        "data_path": str(folder),
        "checkpoint_dir": str(folder),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "MAX_ITEM_LIST_LENGTH": asked.length,
        "hidden_size": asked.dim,
        "n_layers": asked.blocks,
        "n_heads": asked.heads,
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "epochs": asked.epochs,
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"},
        "use_gpu": False,
        "seed": asked.seed,
        "state": "ERROR",
        "show_progress": False,
    }


def train(model: Any, data: Any, config: Any, clock: Clock) -> None:
    trainer = Trainer(config, model)
    plain = trainer._train_epoch

    def timed(*given: Any, **more: Any) -> Any:
        with clock.running():
            return plain(*given, **more)

    trainer._train_epoch = timed
    trainer.fit(data, verbose=False, saved=False, show_progress=False)


def lists(model: Any, data: Any, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """The best items of each asked user, without what they had."""
    feature, names = data.dataset.inter_feat, data.dataset.field2id_token
    users, items = (np.array([int(name) if name != "[PAD]" else -1 for name in names[field]]) for field in ("user_id", "item_id"))
    number = np.zeros(items.max() + 1, np.int64)
    number[items[1:]] = np.arange(1, len(items))
    places, known = dict(zip(histories.asked.tolist(), range(len(histories.asked)))), histories.known()
    found, scores = np.full((len(places), KEPT), -1), np.full((len(places), KEPT), -np.inf)
    for start in range(0, len(feature), BATCH):
        part = feature[slice(start, min(start + BATCH, len(feature)))]
        people = users[part["user_id"].numpy()].tolist()
        heights = model.full_sort_predict(part)
        heights[:, 0] = -torch.inf
        for line, user in enumerate(people):
            heights[line, torch.from_numpy(number[known[user]])] = -torch.inf
        best = heights.topk(KEPT)
        rows = [places[user] for user in people]
        found[rows], scores[rows] = items[best.indices.numpy()], best.values.numpy()
    return found, scores


def main() -> None:
    asked = told()
    torch.set_num_threads(asked.threads)
    epochs, fit, answer, histories = Clock("epoch"), Clock("fit"), Clock("answer"), Histories(asked.histories)
    with tempfile.TemporaryDirectory() as place:
        write(histories, Path(place))
        config = Config(model="SASRec", dataset="histories", config_dict=settings(asked, Path(place)))
        init_seed(config["seed"], config["reproducibility"])
        with fit.running():
            dataset = create_dataset(config)
            data, _, test = data_preparation(config, dataset)
            model = SASRec(config, data.dataset)
            train(model, data, config, epochs)
    with answer.running(), torch.inference_mode():
        items, scores = lists(model.eval(), test, histories)
    tell(asked.lists, items, scores, {"recbole": recbole.__version__, "torch": torch.__version__})


if __name__ == "__main__":
    main()
