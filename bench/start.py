"""How long until it is ready: the first start of an empty machine, and the next ones. `make bench-start`.

Beside it stands the physical limit: the seconds of processor that its processes need for their imports, on the cores there are.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.house import House

GOAL = 10.0  # seconds of a second start
IMPORTS = ["import django; django.setup()", "import cqia.celery as c; c.app.loader.import_default_modules()"] * 2 + ["import cqia.wsgi"]


def limit() -> float:
    """Seconds that the imports of the five processes take, shared by the cores."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "cqia.settings", "SECRET_KEY": secrets.token_hex(32)}
    begun = time.monotonic()
    for code in IMPORTS:
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return (time.monotonic() - begun) / (os.cpu_count() or 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder) / "var")
        first = house.start()
        house.stop()
        later = []
        for _ in range(3):
            later.append(house.start())
            house.stop()
    floor, median = limit(), sorted(later)[1]
    print(f"first start {first:.1f} s, then {', '.join(f'{s:.1f}' for s in later)} s; imports alone {floor:.1f} s")
    figures = {"first_s": round(first, 2), "second_s": round(median, 2), "imports_s": round(floor, 2), "ratio": round(median / floor, 2)}
    print(json.dumps({"bench": "start", **figures, "goals": {"second_s": GOAL}, "held": median < GOAL}))


if __name__ == "__main__":
    main()
