"""A reviewer's desk in a real browser: what the tests of the review page share."""

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from accounts.sessions import SessionStore
from annotation.models import ModelCall, PromptVersion, Review
from tests.builders import make_draft, make_pair, make_post, make_source

TITLES = [
    "影子淋了雨会不会变重",
    "把闹钟调快十分钟，我每天多活了十分钟吗",
    "排第一是不是没人在排队",
    "冰箱关门之后灯灭没灭",
    "静音车厢里打字算喧哗吗",
    "电梯坏了算不算很慢的电梯",
]


def make_queue(titles=TITLES):
    """A source with an item to review for each of `titles`."""
    source = make_source(
        "ruozhiba", name="弱智吧", platform="tieba", instruction_templates=["{title}"], guidelines="# 怎么审\n\n先看懂**陷阱**。"
    )
    prompt = PromptVersion.objects.create(name="reply_0001", sha256="a" * 64, text="x")
    for n, title in enumerate(titles):
        post = make_post(source, title=title, body="楼主还说了别的。", votes=1200 + n, status="kept")
        pair = make_pair(post=post, output=f"先说结论：**不会**。\n\n第 {n} 条的理由写在这里。")
        call = ModelCall.objects.create(pair=pair, prompt=prompt, key=str(n), state="done", model="demo", sent_at=timezone.now())
        make_draft(pair, call=call, model="demo")
    return source


def cookie_for(user, url: str) -> dict:
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": url}


def sent(page) -> None:
    """Waits until the server has all that was decided."""
    page.wait_for_selector('#main[data-unsent="0"]')


def send_again(page) -> None:
    """Presses "Send again", if that is still to be seen: the page tries by itself, too, a second after it failed."""
    page.evaluate("""document.querySelector('[data-do="retry"]')?.click()""")


def ready(page, pair: str | None = None) -> str:
    """Waits until the item takes decisions; with `pair`: another one than that, and the server knows. Gives its number."""
    other = f':not([data-pair="{pair}"])' if pair else ""
    if pair:
        sent(page)
    return page.wait_for_selector(f'.work[data-ready="true"]{other}').get_attribute("data-pair")


def write(page, selector: str, text: str) -> None:
    page.click(selector)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def verdicts() -> list[str]:
    return list(Review.objects.order_by("id").values_list("verdict", flat=True))
