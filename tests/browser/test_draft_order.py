"""An admin's order in a real browser: two models and a cap against a provider on loopback, watched, stopped, resumed, the
estimate beside the truth, and its candidates reviewed without knowing who wrote what."""

import threading
import time
from decimal import Decimal

import pytest

from tests.annotation.provider import Provider, reply
from tests.house import House, wait_for

pytestmark = pytest.mark.browser
MODELS = ("ink-black", "ink-red")
FIRST = 20  # calls that are answered at once; the others wait until the gate is opened


class TwoModels(Provider):
    """Lists its two models, and answers as the one that is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.RequestHandlerClass.do_GET = lambda handler: handler.answer(200, {"data": [{"id": name} for name in MODELS]})

    def next_for(self, body, headers):
        super().next_for(body, headers)
        number = len(self.seen)
        return lambda handler: self.answer(handler, body["model"], number)

    def answer(self, handler, model: str, number: int) -> None:
        if number > FIRST:
            self.gate.wait(60)
        time.sleep(0.05)
        handler.answer(200, reply(f"保温杯只管让温度变得慢一些，热的慢慢凉，冷的慢慢热，这是第 {number} 份稿子。", model=model))


@pytest.fixture(scope="module")
def provider():
    server = TwoModels()
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()
    del server.RequestHandlerClass.do_GET


@pytest.fixture(scope="module")
def house(tmp_path_factory, provider):
    made = House(
        tmp_path_factory.mktemp("order") / "var", OPENAI_BASE_URL=provider.url, OPENAI_API_KEY="sk-CANARY0123456789", OPENAI_MODEL=MODELS[0]
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(chromium, house):
    context = chromium.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((house.url, "data:")) else page.complaints.append(f"foreign: {sent.url}"))
    page.goto(house.url + "/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", house.password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/review/**")
    yield page
    context.close()


def set_price(page, house: House, model: str) -> None:
    page.goto(f"{house.url}/drafting/models/")
    page.click(f"#offers a:text-is('{model}')")  # the provider's own list, fetched after the page
    page.fill("#id_price_in", "2")
    page.fill("#id_price_out", "8")
    page.fill("#id_currency", "CNY")
    page.click("#b-price")
    page.wait_for_selector("text=¥2.00 / ¥8.00")


def order_both(page, house: House) -> int:
    page.goto(f"{house.url}/drafting/order/?source=ruozhiba")
    for model in MODELS:
        page.check(f"input[name=models][value={model}]")
    page.fill("#id_candidates", "2")
    page.fill("#id_budget", "5")
    page.press("#id_budget", "Tab")
    kept = house.one(
        "SELECT count(*) FROM sources_post p JOIN sources_source s ON s.id = p.source_id WHERE s.slug='ruozhiba' AND status='kept'"
    )
    page.wait_for_selector(f".estimate-figures dd:text-is('{4 * kept}')")  # the estimate follows the form
    assert "≈ ¥" in page.inner_text("#estimate")
    assert house.one("SELECT count(*) FROM annotation_draftrun") == 0
    page.click("#b-order")
    page.wait_for_selector("#draft-run")
    return 4 * kept


def drafted(page) -> int:
    return int(page.inner_text("#draft-run .figures dd >> nth=0").split("/")[0].replace(",", ""))


def test_order_watch_stop_resume_compare_and_review(page, house, provider):
    for model in MODELS:
        set_price(page, house, model)
    ordered = order_both(page, house)

    wait_for(lambda: drafted(page) > 0, 60)
    page.click("#b-stop")
    page.wait_for_selector("#b-resume", timeout=20_000)
    provider.gate.set()  # what was under way arrives, and is kept
    wait_for(lambda: house.one("SELECT count(*) FROM annotation_modelcall WHERE state = 'sending'") == 0, 30)
    page.reload()
    paid = len(provider.seen)
    assert drafted(page) == paid
    assert 0 < paid < ordered
    assert f"{ordered - paid} calls that were not sent" in page.inner_text(".draft-acts")

    page.click("#b-resume")
    page.wait_for_selector("#draft-run .tag.ok", timeout=60_000)
    assert drafted(page) == ordered
    assert len(provider.seen) == ordered
    assert len(set(provider.attempts())) == ordered  # stopped and resumed, and nothing was sent twice
    spent, budget = house.sql("SELECT spent, budget FROM annotation_draftrun")[0]
    assert spent == ordered * Decimal("0.00056")  # 120 tokens sent at 2, 40 received at 8, per million
    assert budget == 5

    table = page.inner_text("section[aria-labelledby=h-beside]")
    assert f"{ordered}\t{ordered}" in table
    assert "≈ ¥" in table
    assert f"¥{spent:.4f}".rstrip("0") in table

    review_one_blind(page, house)
    page.goto(f"{house.url}/drafting/scorecard/")
    assert all(model in page.inner_text("main") for model in MODELS)
    assert page.complaints == []


def review_one_blind(page, house: House) -> None:
    """Four candidates, no model's name on the page before the decision, the second is taken."""
    page.goto(f"{house.url}/review/?source=ruozhiba")
    page.wait_for_selector(".work[data-ready=true]")
    pair = int(page.get_attribute(".work", "data-pair"))
    assert page.locator(".cand").count() == 4
    assert not any(model in page.content() for model in MODELS)
    chosen = int(page.get_attribute(".cand >> nth=1", "data-draft"))
    page.keyboard.press("c")
    page.wait_for_selector(".cand >> nth=1", state="visible")
    page.keyboard.press("2")
    page.keyboard.press("a")
    page.wait_for_timeout(1_000)
    if page.get_attribute(".work", "data-pair") == str(pair):  # the demo's drafts are much alike: a warning asks for a second press
        page.keyboard.press("a")
    wait_for(lambda: house.one("SELECT status FROM annotation_pair WHERE id = %s", pair) == "accepted", 20)
    draft, shown = house.sql("SELECT draft_id, shown FROM annotation_review WHERE pair_id = %s", pair)[0]
    assert draft == chosen
    assert len(shown) == 4  # the order in which they were seen is kept
    assert shown[1] == chosen
