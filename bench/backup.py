"""How long a backup and its restore into an empty cluster take. `make bench-backup`.

Pairs as importing, drafting and reviewing leave them, in an embedded PostgreSQL with fsync. Web and workers run while the
backup is made. The restore goes to a new cluster and ends with `verify`.

    --pairs 100000
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.review import PEOPLE, fill
from tests.house import House

GOALS = {"restore_s": 300, "findings": 0, "rows_differ": 0}


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--pairs", type=int, default=100_000)
    pairs = asked.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        old, new = House(Path(folder) / "old", CQIA_DEMO="0"), House(Path(folder) / "new", CQIA_DEMO="0")
        old.start()
        old.manage("shell", "-v", "0", "-c", PEOPLE)
        # A run that counts what lies there, and the file that it read: what `verify` wants of a run.
        old.sql("DELETE FROM sources_importrun WHERE sha256 <> 'x'")
        fill(old, 1, pairs)
        upload = old.manage("shell", "-v", "0", "-c", UPLOAD, PAIRS=str(pairs)).stdout
        print(f"{pairs:,} pairs are there{upload and ''}", flush=True)
        begun = time.monotonic()
        made = old.manage("backup", folder, seconds=1800).stdout.strip().splitlines()[-1]
        backup = time.monotonic() - begun
        old.stop()
        print(f"{Path(made).stat().st_size / 1e6:,.1f} MB, backed up in {backup:.1f} s", flush=True)
        begun = time.monotonic()
        said = new.manage("restore", made, seconds=1800, ok=False)
        restore = time.monotonic() - begun
        print(said.stdout[-2000:], flush=True)
    figures = {
        "pairs": pairs, "backup_s": round(backup, 1), "restore_s": round(restore, 1),
        "findings": 0 if said.returncode == 0 else len(said.stdout.splitlines()), "rows_differ": said.stderr.count(" instead of "),
    }  # fmt: skip
    held = {name: figures[name] <= goal for name, goal in GOALS.items()}
    print(json.dumps({"bench": "backup", **figures, "goals": GOALS, "held": held}))


UPLOAD = """
import io, os
from sources.models import ImportRun
from sources.uploads import store
stored = store(io.BytesIO(b"{}\\n" * int(os.environ["PAIRS"])), "x.jsonl")
pairs = int(os.environ["PAIRS"])
ImportRun.objects.filter(sha256="x").update(sha256=stored.sha256, size=stored.size, read=pairs, created=pairs)
"""

if __name__ == "__main__":
    main()
