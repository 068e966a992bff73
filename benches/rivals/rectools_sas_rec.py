"""SASRec of RecTools, softmax over all items, other settings its own; started by `sequence_speed.py` with the Python that has RecTools."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytorch_lightning
import rectools
import torch
from exchange import KEPT, TEST, TRAIN, Clock, Histories, tell, told
from pytorch_lightning.callbacks import Callback
from rectools.dataset import Dataset
from rectools.models import SASRecModel


class Timed(Callback):
    """The seconds of each epoch, without what comes before the first and after the last."""

    def __init__(self) -> None:
        self.clock = Clock("epoch")

    def on_train_epoch_start(self, *_: object) -> None:
        self.clock.start()

    def on_train_epoch_end(self, *_: object) -> None:
        self.clock.stop()


def dataset(histories: Histories, which: np.ndarray) -> Dataset:
    days = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(len(which)), unit="min")
    links = {"user_id": histories.users[which], "item_id": histories.items[which], "weight": 1.0, "datetime": days[which]}
    return Dataset.construct(pd.DataFrame(links))


def main() -> None:
    asked = told()
    warnings.simplefilter("ignore")
    torch.set_num_threads(asked.threads)
    pytorch_lightning.seed_everything(asked.seed)
    fit, answer = Clock("fit"), Clock("answer")
    model = SASRecModel(
        n_factors=asked.dim,
        n_blocks=asked.blocks,
        n_heads=asked.heads,
        session_max_len=asked.length,
        loss="softmax",
        recommend_torch_device="cpu",
        get_trainer_func=lambda: pytorch_lightning.Trainer(
            max_epochs=asked.epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Timed()],
        ),
    )
    histories = Histories(asked.histories)
    with fit.running():
        model.fit(dataset(histories, histories.parts == TRAIN))
    with answer.running():
        found = model.recommend(
            histories.asked, dataset(histories, histories.parts != TEST), k=KEPT, filter_viewed=True, on_unsupported_targets="ignore"
        )
    items, scores = np.full((len(histories.asked), KEPT), -1), np.full((len(histories.asked), KEPT), -np.inf)
    rows = pd.Index(histories.asked).get_indexer(found["user_id"])
    items[rows, found["rank"] - 1], scores[rows, found["rank"] - 1] = found["item_id"], found["score"]
    versions = {"rectools": rectools.__version__, "torch": torch.__version__}
    tell(asked.lists, items, scores, versions)


if __name__ == "__main__":
    main()
