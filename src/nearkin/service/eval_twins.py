"""The twins of the views of evaluation."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

from nearkin.service.report_routes import Pair, ReportBody, ReportId, ReportsBody, report, reports
from nearkin.service.routes import router

routes = router()


@routes.get("/eval.json", include_in_schema=False)
async def all_reports(request: Request) -> ReportsBody:
    """What the view of all evaluations shows."""
    return await reports(request)


@routes.get("/eval/{name}.json", include_in_schema=False)
async def one_report(name: ReportId, pair: Annotated[Pair, Query()], request: Request) -> ReportBody:
    """What the view of one evaluation shows."""
    return await report(name, pair, request)
