# %% [markdown]
# From a file of posts to a dataset, by the API. Run it as it is, or cell by cell in an editor that knows `# %%`:
#
#     python example.py http://127.0.0.1:8000 "$(manage.py create_token admin)" ruozhiba posts.jsonl
#
# It imports the file, waits, has drafts made, reviews one of them, freezes a version and loads it.

# %%
import json
import sys
import tempfile
from pathlib import Path

from zhumo_client import Conflict, Zhumo

address, token, source, path = sys.argv[1:5]
zhumo = Zhumo(address, token)
print("I am", zhumo.me()["username"])

# %% Import: the answer comes at once, the work goes on behind.
run = zhumo.wait_for_import(zhumo.import_file(source, path)["id"])
print("imported", run["counts"])

# %% Draft: what would it cost? Then order. A source that answers for itself needs no drafts.
try:
    print("estimate", zhumo.estimate_drafts(source, limit=3))
    drafts = zhumo.wait_for_drafts(zhumo.draft(source, limit=3)["id"])
    print("drafted", drafts["counts"]["drafted"], "cost", drafts["cost"])
except Conflict as refused:
    print("no drafts:", refused.code)

# %% Review one: take a seat, read, decide.
seat = zhumo.take_seat(source)
if seat:
    print(seat["pair"]["instruction"], "→", seat["drafts"][-1]["output"][:40] if seat["drafts"] else "")
    review = zhumo.review(seat, "accept", seconds=12)
    print("reviewed", review["id"], review["verdict"])

# %% Publish: a dataset of this source, demo replies included, frozen as a version.
try:
    zhumo.add_dataset("by-script", "由脚本制作", sources=[source], include_demo=True)
except Conflict:
    pass  # it is there from the last time
version = zhumo.wait_for_version("by-script", zhumo.freeze("by-script", include_demo=True, include_unknown_licence=True)["number"])
print("version", version["number"], "holds", version["records"], "records, sha256", version["sha256"][:12])

# %% Fetch it: checked by its SHA-256.
folder = Path(tempfile.mkdtemp(prefix="zhumo-"))
file = zhumo.download("by-script", version["number"], "train.cqia.jsonl", folder / "train.jsonl")
records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
print("fetched", len(records), "records:", file)

# %% Into `datasets`, if it is installed.
try:
    from datasets import load_dataset  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    print("pip install datasets, to load it as one")
else:
    print(load_dataset("json", data_files=str(file), split="train"))
zhumo.close()
