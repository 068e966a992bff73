"""What an evaluation found, as a table for people, papers, pages and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from nearkin.errors import Missing
from nearkin.evaluation.tasks import Scores


@dataclass(frozen=True, kw_only=True)
class Row:
    """One system by one metric; against the baseline: difference, its 95 % interval, p-value, and p-value after Holm."""

    system: str
    metric: str
    mean: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """Rows by metric and system; `values[system][metric]` keeps every query's (or user's) own; `seconds` what answering took.

    A beginning that several stages share is counted for the first of them alone.
    """

    data: str
    unit: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    values: Mapping[str, Mapping[str, Scores]]
    seconds: Mapping[str, float]

    def mean(self, system: str, metric: str) -> float:
        """One figure of the table."""
        return self.values[system][metric].mean

    def of(self, system: str, metric: str) -> Row:
        """One comparison of the table."""
        return next(row for row in self.rows if (row.system, row.metric) == (system, metric))

    @property
    def units(self) -> int:
        """Queries (users, left things) measured."""
        return len(next(iter(next(iter(self.values.values())).values())).values)

    def cells(self) -> list[list[str]]:
        """The table as text, head first: a row a system."""
        head = ["system", *(text for metric in self.metrics for text in (metric, "difference [95 %]", "p")), "seconds"]
        body = [[system, *(text for metric in self.metrics for text in _texts(self.of(system, metric)))] for system in self.values]
        return [head, *([*line, f"{self.seconds[line[0]]:.2f}"] for line in body)]

    @property
    def note(self) -> str:
        """What the table is of."""
        first = next(iter(self.values))
        return (
            f"{self.data}: {self.units} {self.unit}s; differences to {first} with 95 % intervals by paired bootstrap, "
            "p by randomisation with Holm's correction"
        )

    def to_markdown(self) -> str:
        head, *body = self.cells()
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{self.note}\n"

    def to_latex(self) -> str:
        head, *body = ([_for_latex(cell) for cell in line] for line in self.cells())
        lines = [" & ".join(line) + r" \\" for line in (head, *body)]
        columns = "l" + "r" * (len(head) - 1)
        return "\n".join(
            [f"% {self.note}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
            + [r"\end{tabular}", ""]
        )

    def to_html(self) -> str:
        head, *body = self.cells()
        lines = [_html_line(head, "th"), *(_html_line(line, "td") for line in body)]
        return f"<table>\n<caption>{escape(self.note)}</caption>\n" + "\n".join(lines) + "\n</table>\n"

    def to_json(self) -> str:
        """Rows, seconds, and every unit's value: what another tool needs to test again."""
        values = {name: {metric: each.values.tolist() for metric, each in found.items()} for name, found in self.values.items()}
        return json.dumps(
            {
                "data": self.data,
                "unit": self.unit,
                "rows": [asdict(row) for row in self.rows],
                "seconds": dict(self.seconds),
                "values": values,
            }
        )

    def save_png(self, path: str | Path) -> None:
        """A chart a metric: each system's difference to the baseline with its interval."""
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise Missing("matplotlib", "evaluate") from error
        figure = Figure(figsize=(5 * len(self.metrics), 1.2 + 0.4 * len(self.values)), layout="constrained")
        for axes, metric in zip(figure.subplots(1, len(self.metrics), squeeze=False)[0], self.metrics, strict=True):
            _chart(axes, [row for row in self.rows if row.metric == metric])
        figure.savefig(path, dpi=120)


def _texts(row: Row) -> tuple[str, str, str]:
    if row.difference is None:
        return f"{row.mean:.4f}", "", ""
    return f"{row.mean:.4f}", f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]", f"{row.p_holm:.4f}"


def _for_latex(text: str) -> str:
    return "".join("\\" + sign if sign in "&%$#_{}" else sign for sign in text)


def _html_line(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _chart(axes: Any, rows: Sequence[Row]) -> None:
    compared = [row for row in rows if row.difference is not None]
    for place, row in enumerate(compared):
        axes.plot([row.low, row.high], [place, place], color="C0")
        axes.plot([row.difference], [place], "o", color="C0")
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set(yticks=range(len(compared)), yticklabels=[row.system for row in compared], title=rows[0].metric)
    axes.set_xlabel(f"difference to {rows[0].system} ({rows[0].mean:.4f})")
    axes.invert_yaxis()
