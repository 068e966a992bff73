"""The papers behind the library: what each claims, whether it held, its proof and its curves; and the twins of their views."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import BaseModel

from nearkin.recipes.outcomes import Outcome, Proofs
from nearkin.service.problems import Problem
from nearkin.service.routes import errors, router, service, written

routes = router()
PICTURE = "image/png"
PaperName = Annotated[str, Path(min_length=1, max_length=100, examples=["bebr"])]


class PaperBody(BaseModel):
    """verdict: holds, does not hold, undecided or not run; seeds: how many; command: what repeats it; curve: whether there is a picture."""

    number: int
    name: str
    title: str
    claim: str | None
    kind: str | None
    built: bool
    verdict: str
    data: list[str]
    seeds: int
    command: str | None
    curve: bool


class PapersBody(BaseModel):
    papers: list[PaperBody]


class PaperProof(PaperBody):
    """proof: as `nearkin reproduce` wrote it, or its short form; null where the claim was never tried."""

    proof: dict[str, Any] | None


def _found(request: Request, name: str) -> tuple[Proofs, Outcome]:
    proofs = service(request).proofs
    outcome = proofs.outcome(name)
    if outcome is None:
        raise Problem(404, f"there is no paper {name[:80]!r}; /v1/papers lists them")
    return proofs, outcome


@routes.get("/v1/papers", operation_id="papers", responses={200: {"model": PapersBody}, **errors()})
async def every(request: Request) -> Response:
    """All papers by number."""
    here = service(request)
    told = await here.keeper.read(lambda: [asdict(each) for each in here.proofs.outcomes()], 30)
    return Response(written({"papers": told}), media_type="application/json")


@routes.get("/v1/papers/{paper}", operation_id="paper", responses={200: {"model": PaperProof}, **errors()})
async def one(paper: PaperName, request: Request) -> Response:
    """One paper with its proof."""

    def work() -> bytes:
        proofs, outcome = _found(request, paper)
        return written({**asdict(outcome), "proof": proofs.proof(paper) if outcome.built else None})

    return Response(await service(request).keeper.read(work, 30), media_type="application/json")


@routes.get("/v1/papers/{paper}/curve", operation_id="paper_curve", responses={200: {"content": {PICTURE: {}}}, **errors()})
async def curve(paper: PaperName, request: Request) -> Response:
    """The picture of a paper's curves. 404 where there is none; a service shows those of the folder it was started with."""
    proofs, _ = _found(request, paper)
    picture = proofs.curve(paper)
    if picture is None:
        raise Problem(404, f"there is no curve of {paper!r} here; start the service with --proofs FOLDER")
    return Response(picture, media_type=PICTURE)


routes.get("/papers.json", include_in_schema=False)(every)
routes.get("/papers/{paper}.json", include_in_schema=False)(one)
