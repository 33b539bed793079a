"""From the key to the next text on the screen, in a real Chromium: 200 decisions at the page of the whole product.
`make bench-review-page`.

The page measures itself (performance marks, `review:next`: the key's own time stamp to the moment after the next paint). Beside it stands
the physical limit of that browser on this machine: the same measure around swapping in a text that is there already, with no code of ours.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.house import House

DECISIONS, GOAL = 200, 100.0
FILL = f"""
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts.sessions import SessionStore
from accounts.models import User
from annotation.models import Draft, Pair
from sources.models import ImportRun, Post, Source
source = Source.objects.get(slug="ruozhiba")
run = ImportRun.objects.create(source=source, file_name="x.jsonl", size=1, sha256="x", state="succeeded")
text = "把这句话拆开来看，前半句说的是时间。\\n\\n1. **时间**：零点换日。\\n2. **感觉**：没睡就没有明天。" * 3
common = dict(source=source, run=run, status="kept")
numbers = range(1, {DECISIONS} + 20)
posts = [Post(row=n, external_id=str(n), title=f"第{{n}}问：凌晨一点算不算早睡？", content_hash=str(n), **common) for n in numbers]
Post.objects.bulk_create(posts)
pairs = [Pair(post=post, source=source, instruction=post.title, output=text, status="pending") for post in posts]
Pair.objects.bulk_create(pairs)
Draft.objects.bulk_create(Draft(pair=pair, number=1, output=text) for pair in pairs)
user = User.objects.create(username="r", role="reviewer", password="!")
session = SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[-1]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print("SESSION " + session.session_key)
"""
LIMIT = """() => new Promise(done => {
    const times = [], texts = ['一'.repeat(400), '二'.repeat(400)];
    const box = document.body.appendChild(document.createElement('p'));
    const next = n => {
        if (n === 50) return done(times);
        const start = performance.now();
        box.textContent = texts[n % 2];
        requestAnimationFrame(() => setTimeout(() => { times.push(performance.now() - start); setTimeout(next, 50, n + 1); }));
    };
    next(0);
})"""


def p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1], 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        house = House(Path(folder) / "var", CQIA_DEMO="0")
        house.start()
        said = house.manage("shell", "-v", "0", "-c", FILL).stdout
        session = next(line for line in said.splitlines() if line.startswith("SESSION "))[8:]
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.add_cookies([{"name": "sessionid", "value": session, "url": house.url}])
        page = context.new_page()
        page.goto(house.url + "/review/")
        for _n in range(DECISIONS):
            page.wait_for_selector('#item .work[data-ready="true"][data-pair]')
            before = page.get_attribute("#item .work", "data-pair")
            page.keyboard.press("a")
            page.wait_for_selector(f'#item .work[data-ready="true"]:not([data-pair="{before}"])')
        page.wait_for_selector('#main[data-unsent="0"]')
        times = page.evaluate("performance.getEntriesByName('review:next').map(one => one.duration)")
        limit = page.evaluate(LIMIT)
        made = house.one("SELECT count(*) FROM annotation_review")
        browser.close()
        house.stop()
    figures = {"decisions": made, "measured": len(times), "p50_ms": round(statistics.median(times), 1), "p95_ms": p95(times)}
    figures |= {"max_ms": round(max(times), 1), "limit_p95_ms": p95(limit), "ratio": round(p95(times) / p95(limit), 1)}
    held = figures["p95_ms"] <= GOAL and made == DECISIONS == len(times)
    print(json.dumps({"bench": "review-page", **figures, "goals": {"p95_ms": GOAL}, "held": held}))


if __name__ == "__main__":
    main()
