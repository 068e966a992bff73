"""Cases that schemathesis makes from the OpenAPI: requests by the schema, and requests against it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks as about

PATIENT_MS = 60_000
# What a schema cannot tell: names, ids and versions that are not there, and what two fields say against each other.
MEANING = {
    "unknown-id", "unknown-field", "unknown-stage", "stage", "facet", "field", "cursor", "both", "one-query", "mixed", "width", "vector",
    "point", "scopes", "key-used", "time", "value-error", "id", "where", "type", "object",
}  # fmt: skip
CHECKS = [
    not_a_server_error,
    about.status_code_conformance,
    about.content_type_conformance,
    about.response_headers_conformance,
    about.response_schema_conformance,
    about.negative_data_rejection,
    about.unsupported_method,
    about.ignored_auth,
]


def filters() -> st.SearchStrategy[str]:
    """Filters of the language over the fields of the shop: all of these are understood."""
    number = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: f"{value:.3f}")
    text = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(lambda value: "'" + value.replace("'", "''") + "'")
    compared = st.builds("price {} {}".format, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), number)
    among = st.lists(text, min_size=1, max_size=4).map(lambda values: f"kind IN ({', '.join(values)})")
    between = st.builds("price BETWEEN {} AND {}".format, number, number)
    like = text.map(lambda value: f"title LIKE {value}")
    plain = st.one_of(compared, among, between, like, text.map(lambda value: f"array_has(tags, {value})"), st.just("nothing IS NULL"))
    return st.recursive(
        plain,
        lambda part: st.one_of(
            st.builds("({} AND {})".format, part, part), st.builds("({} OR {})".format, part, part), part.map("NOT ({})".format)
        ),
        max_leaves=5,
    )


def refused_for_its_meaning(_ctx: Any, response: Any, case: Any) -> None:
    """A request by the schema is refused for what the schema could not tell, and says so in each of its errors."""
    if not case.meta.generation.mode.is_positive or response.status_code not in (400, 406, 413, 415, 422):
        return
    told = json.loads(response.content)
    codes = {flaw["code"] for flaw in told["errors"]}
    if response.status_code != 422 or not ((codes and codes <= MEANING) or _tells_of_what_is_there(told)):
        raise AssertionError(f"refused although by the schema: {told['status']} {told['detail'][:200]} {sorted(codes)}")


def _tells_of_what_is_there(told: Any) -> bool:
    """Refusals without a code of their own: of versions, and of what this collection was not made for."""
    return any(said in told["detail"] for said in ("does not exist yet", "never calibrated", "nothing was written", "no links"))


def cases_of(address: str, key: str, wanted: int, chance: int, only: Collection[str] = ()) -> dict[str, Any]:
    """About so many cases, the same number for each operation (of all, or of those named) and each way to make them."""
    load_all_checks()
    schemathesis.openapi.format("where", filters())
    schemathesis.openapi.media_type("application/x-ndjson", _lines())
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {key}"
    schema = schemathesis.openapi.from_url(f"{address}/v1/openapi.json", headers=dict(session.headers))
    operations = [each.ok() for each in schema.get_all_operations()]
    each = -(-wanted // (2 * len(operations)))
    seen = _Seen()
    for operation in operations:
        if only and operation.definition.raw["operationId"] not in only:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _run(operation, mode, each, chance, session, address, seen)
    return {"operations": len(operations), "cases": sum(seen.statuses.values()), **seen.told()}


class _Seen:
    """What came of the cases."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self.faults: list[str] = []

    def told(self) -> dict[str, Any]:
        return {"by status": dict(sorted(self.statuses.items())), "by mode": dict(self.modes), "faults": self.faults}


def _lines() -> st.SearchStrategy[bytes]:
    """Lines that ask for writes, most of them well formed."""
    ids = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
    thing = st.fixed_dictionaries(
        {"id": ids}, optional={"title": st.text(st.characters(exclude_categories=("Cs",)), max_size=40), "price": st.floats(-1e6, 1e6)}
    )
    line = st.one_of(
        thing.map(lambda told: {"put": told}),
        thing.map(lambda told: {"patch": told}),
        ids.map(lambda told: {"delete": told}),
        st.just({"dance": 1}),
    )
    return st.lists(line, max_size=6).map(lambda lines: "".join(json.dumps(each) + "\n" for each in lines).encode())


def _run(operation: Any, mode: GenerationMode, count: int, chance: int, session: requests.Session, address: str, seen: _Seen) -> None:
    try:
        strategy = operation.as_strategy(generation_mode=mode)
    except Exception as error:
        seen.faults.append(f"{operation.label}: no cases can be made ({mode.name}): {error}")
        return

    @seed(chance)
    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=strategy)
    def ask(case: Any) -> None:
        for part in (case.body, case.query):
            if isinstance(part, dict) and part.get("timeout_ms") and mode.is_positive:
                part["timeout_ms"] = PATIENT_MS  # a caller with less time than an answer takes is told 504, as it is written
        response = case.call(base_url=address, session=session, timeout=90)
        seen.statuses[str(response.status_code)] += 1
        seen.modes[mode.name.lower()] += 1
        if response.status_code == 202 and "location" in {name.lower() for name in response.headers}:
            session.delete(f"{address}{response.headers['location'][0]}", timeout=90)  # a job to tune may take hours
        try:
            case.validate_response(
                response,
                checks=CHECKS,
                additional_checks=[refused_for_its_meaning],
                transport_kwargs={"base_url": address, "session": session},
            )
        except (Failure, FailureGroup, AssertionError) as error:
            seen.faults.append(f"{operation.label} ({mode.name}): {_short(error)}")

    try:
        ask()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__:
            seen.faults.append(f"{operation.label} ({mode.name}): {type(error).__name__}: {error}"[:600])


def _short(error: BaseException) -> str:
    parts = [str(each) for each in getattr(error, "exceptions", [error])]
    return " | ".join(part.replace("\n", " ")[:500] for part in parts)
