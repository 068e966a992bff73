"""SASRec of nearkin with its own settings; started by `sequence_speed.py`."""

from __future__ import annotations

import numpy as np
import torch
from exchange import KEPT, TEST, TRAIN, Clock, Histories, tell, told

from nearkin import __version__
from nearkin.indexes.sas_rec import SasRec
from nearkin.tables import Catalog, Links


def main() -> None:
    asked = told()
    torch.set_num_threads(asked.threads)
    fit, answer = Clock("fit"), Clock("answer")
    histories = Histories(asked.histories)
    users, items = (Catalog.of(range(int(rows.max()) + 1)) for rows in (histories.users, histories.items))
    train, known = (
        Links(users, items, histories.users[part], histories.items[part]) for part in (histories.parts == TRAIN, histories.parts != TEST)
    )
    model = SasRec(k=KEPT, dim=asked.dim, blocks=asked.blocks, heads=asked.heads, length=asked.length, epochs=asked.epochs, seed=asked.seed)
    with fit.running():
        model.fit(train)
    with answer.running():
        hits = model(known.histories().take(histories.asked))
    versions = {"nearkin": __version__, "torch": torch.__version__}
    tell(asked.lists, np.asarray(hits.rows, np.int64), hits.scores, versions)


if __name__ == "__main__":
    main()
