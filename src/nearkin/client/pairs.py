"""Matches of a service, read as those of a collection are; nothing is sent from here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nearkin.collection.partners import Partner, Partnered

PAGE = 1_000  # pairs read at once
FOUND = ("sure", "maybe")


def matching_value(value: Any) -> Any:
    """A value of a row as JSON can hold it: what is no number is missing, moments are texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if hasattr(value, "isoformat") else value


def partnered(bodies: Sequence[Mapping[str, Any]]) -> Partnered:
    """The answer of `/v1/match`."""
    body = bodies[0]
    partners = [
        Partner(
            each["left"], each["right"], each["band"], each["chance"], each["score"], each["title"], each["fields"], each.get("why", {})
        )
        for each in body["matches"]
    ]
    return _whole(body, partners)


def next_page(match: str, threshold: float, bodies: Sequence[Mapping[str, Any]]) -> str | None:
    """The path of the next page of pairs that are, or may be, the same; None after the last."""
    band, offset = FOUND[0], 0
    if bodies:
        last = bodies[-1]
        band, offset = last["band"], last["offset"] + PAGE
        if offset >= last["total"]:
            band, offset = FOUND[1], 0
            if last["band"] == band:
                return None
    return f"/v1/matches/{match}?band={band}&threshold={threshold}&offset={offset}&k={PAGE}&explain=true"


def duplicated(bodies: Sequence[Mapping[str, Any]], *, explain: bool) -> Partnered:
    """The pairs of all pages as one answer."""
    partners = [
        Partner(
            each["left"], each["right"], each["band"], each["chance"], each["score"], each["right_title"], each["right_fields"],
            each["why"] if explain else {},
        )
        for body in bodies
        for each in body["pairs"]
    ]  # fmt: skip
    return _whole(bodies[0]["match"], partners)


def _whole(body: Mapping[str, Any], partners: Sequence[Partner]) -> Partnered:
    columns = [(left, right) for left, right in body["columns"]]
    return Partnered(partners, columns, body["expected"], body["precision"], body["warnings"])
