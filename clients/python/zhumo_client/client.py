"""`Zhumo`: what one does, as methods. Each is one act of the API."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx

from . import rows
from .accounts import Accounts
from .errors import TookTooLong, WorkFailed, WrongBytes
from .wire import Wire, check

Row = dict[str, Any]


class Zhumo(Accounts):
    """`with Zhumo(address, token) as zhumo: …`"""

    def __init__(
        self, address: str, token: str, *, tries: int = 4, timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.wire = Wire(address, token, tries=tries, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.wire.http.close()

    # --- where texts come from
    def sources(self) -> Iterator[rows.Source]:
        return self.wire.pages("sources/", {})

    def source(self, slug: str) -> rows.Source:
        return cast("rows.Source", self.wire.ask("GET", f"sources/{slug}/"))

    def add_source(self, slug: str, name: str, **policy: Any) -> rows.Source:
        return cast("rows.Source", self.wire.ask("POST", "sources/", json={"slug": slug, "name": name, **policy}))

    def change_source(self, slug: str, **policy: Any) -> rows.Source:
        return cast("rows.Source", self.wire.ask("PATCH", f"sources/{slug}/", json=policy))

    def funnel(self, slug: str) -> rows.Funnel:
        return cast("rows.Funnel", self.wire.ask("GET", f"sources/{slug}/funnel/"))

    def import_file(self, source: str, path: str | os.PathLike[str], **settings: str) -> rows.Import:
        """Upload it; the import goes on behind. The same bytes again give the import that there is. `settings`: importer, encoding,
        mapping (as JSON)."""
        with Path(path).open("rb") as file:
            return cast(
                "rows.Import", self.wire.ask("POST", f"sources/{source}/imports/", files={"file": (Path(path).name, file)}, data=settings)
            )

    def import_(self, pk: int) -> rows.Import:
        return cast("rows.Import", self.wire.ask("GET", f"imports/{pk}/"))

    def wait_for_import(self, pk: int, seconds: float = 600) -> rows.Import:
        return cast("rows.Import", self._wait(lambda: self.import_(pk), {"queued", "running"}, seconds, f"import {pk}"))

    def cancel_import(self, pk: int) -> rows.Import:
        return cast("rows.Import", self.wire.ask("POST", f"imports/{pk}/cancel/"))

    def rejected_rows(self, pk: int) -> Iterator[rows.RejectedRow]:
        return self.wire.pages(f"imports/{pk}/rejected/", {})

    def posts(
        self, *, source: str | None = None, status: str | None = None, reason: str | None = None, search: str | None = None
    ) -> Iterator[rows.Post]:
        return self.wire.pages("posts/", {"source": source, "status": status, "reason": reason, "search": search})

    def rescue(self, post: int) -> rows.Post:
        return cast("rows.Post", self.wire.ask("POST", f"posts/{post}/rescue/"))

    # --- drafts
    def estimate_drafts(self, source: str, **order: Any) -> Row:
        return cast("Row", self.wire.ask("POST", f"sources/{source}/draft-runs/", json={**order, "dry_run": True})["estimate"])

    def draft(self, source: str, **order: Any) -> rows.DraftRun:
        """Order drafts. `order`: prompt, models, candidates, limit, budget, params …"""
        return cast("rows.DraftRun", self.wire.ask("POST", f"sources/{source}/draft-runs/", json=order))

    def draft_run(self, pk: int) -> rows.DraftRun:
        return cast("rows.DraftRun", self.wire.ask("GET", f"draft-runs/{pk}/"))

    def move_draft_run(self, pk: int, act: str) -> rows.DraftRun:
        """`act`: pause, resume or stop."""
        return cast("rows.DraftRun", self.wire.ask("POST", f"draft-runs/{pk}/{act}/", json={}))

    def wait_for_drafts(self, pk: int, seconds: float = 3_600) -> rows.DraftRun:
        return cast("rows.DraftRun", self._wait(lambda: self.draft_run(pk), {"queued", "running"}, seconds, f"draft run {pk}"))

    # --- reviews
    def pairs(self, *, source: str | None = None, status: str | None = None, search: str | None = None) -> Iterator[rows.Pair]:
        return self.wire.pages("pairs/", {"source": source, "status": status, "search": search})

    def pair(self, pk: int) -> rows.Pair:
        return cast("rows.Pair", self.wire.ask("GET", f"pairs/{pk}/"))

    def take_seat(self, source: str | None = None) -> rows.Seat | None:
        """The seat that one has, or the next one; None when nothing is left."""
        return cast("rows.Seat | None", self.wire.ask("POST", "assignments/", json={"source": source} if source else {}))

    def skip(self, seat: rows.Seat) -> None:
        self.wire.ask("DELETE", f"assignments/{seat['id']}/")

    def review(
        self, seat: rows.Seat, verdict: rows.Verdict, *, output: str | None = None, instruction: str | None = None,
        input: str | None = None, reasons: Sequence[str] = (), comment: str = "", seconds: float | None = None, key: str = "",
    ) -> rows.Review:  # fmt: skip
        """Decide on the pair of `seat`. What is left out is as it was shown: the newest draft, the pair's own instruction and input."""
        pair, draft = seat["pair"], seat["drafts"][-1] if seat["drafts"] else None
        shown = draft["output"] if draft else pair["output"]
        body = {
            "assignment": seat["id"], "token": seat["token"], "verdict": verdict, "draft": draft["id"] if draft else None,
            "instruction": pair["instruction"] if instruction is None else instruction, "input": pair["input"] if input is None else input,
            "output": shown if output is None else output, "reasons": list(reasons), "comment": comment, "seconds": seconds,
        }  # fmt: skip
        return cast("rows.Review", self.wire.ask("POST", f"pairs/{pair['id']}/reviews/", json=body, key=key or str(uuid.uuid4())))

    def undo(self, review: int) -> rows.Review:
        return cast("rows.Review", self.wire.ask("POST", f"reviews/{review}/undo/"))

    def autosave(self, seat: rows.Seat, seq: int, *, instruction: str, output: str, input: str = "") -> bool:
        """Keep what is typed and not sent, for when one comes back to it. False: something as new or newer is kept already."""
        body = {"assignment": seat["id"], "token": seat["token"], "seq": seq, "instruction": instruction, "input": input, "output": output}
        return bool(self.wire.ask("PUT", f"pairs/{seat['pair']['id']}/autosave/", json=body)["saved"])

    # --- datasets
    def datasets(self) -> Iterator[rows.Dataset]:
        return self.wire.pages("datasets/", {})

    def add_dataset(self, slug: str, name: str, **recipe: Any) -> rows.Dataset:
        return cast("rows.Dataset", self.wire.ask("POST", "datasets/", json={"slug": slug, "name": name, **recipe}))

    def versions(self, dataset: str) -> Iterator[rows.Version]:
        return self.wire.pages(f"datasets/{dataset}/versions/", {})

    def freeze(self, dataset: str, **order: Any) -> rows.Version:
        return cast("rows.Version", self.wire.ask("POST", f"datasets/{dataset}/versions/", json=order))

    def version(self, dataset: str, number: int) -> rows.Version:
        return cast("rows.Version", self.wire.ask("GET", f"datasets/{dataset}/versions/{number}/"))

    def wait_for_version(self, dataset: str, number: int, seconds: float = 3_600) -> rows.Version:
        return cast("rows.Version", self._wait(lambda: self.version(dataset, number), {"building"}, seconds, f"{dataset} version {number}"))

    def release(self, dataset: str, number: int, **said: Any) -> rows.Version:
        return cast("rows.Version", self.wire.ask("POST", f"datasets/{dataset}/versions/{number}/release/", json=said))

    def files(self, dataset: str, number: int) -> list[rows.File]:
        return cast("list[rows.File]", self.wire.ask("GET", f"datasets/{dataset}/versions/{number}/files/"))

    def download(self, dataset: str, number: int, name: str, to: str | os.PathLike[str]) -> Path:
        """The file, whole and with the checksum that the version lists for it. Raises WrongBytes, and leaves nothing then."""
        known = {file["name"]: file["sha256"] for file in self.files(dataset, number)}
        target, part = Path(to), Path(f"{os.fspath(to)}.part")
        seen = hashlib.sha256()
        try:
            with self.wire.stream(f"datasets/{dataset}/versions/{number}/files/{name}") as response, part.open("wb") as file:
                if not response.is_success:
                    response.read()
                check(response)
                for chunk in response.iter_bytes():
                    seen.update(chunk)
                    file.write(chunk)
            if seen.hexdigest() != known.get(name):
                raise WrongBytes(f"{name}: {seen.hexdigest()} instead of {known.get(name)}")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def _wait(self, look: Callable[[], Any], until: set[str], seconds: float, what: str) -> Any:
        """Ask, less and less often, until the status is none of `until`. Raises TookTooLong, and WorkFailed when it failed."""
        end, pause = time.monotonic() + seconds, 0.1
        while (row := look())["status"] in until:
            if time.monotonic() + pause > end:
                raise TookTooLong(f"{what} is {row['status']} after {seconds:g} s")
            self.wire.sleep(pause)
            pause = min(2.0, pause * 1.5)
        if row["status"] == "failed":
            raise WorkFailed(f"{what} has failed: {row.get('error') or row.get('error_code', '')}", row)
        return row
