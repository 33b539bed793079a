"""Every page, at a desk and on a phone, light and dark: no violation that axe can find, no sideways scrolling, no error."""

import pytest

from tests.browser.desk import cookie_for
from tests.furnished import furnish

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = [(size, theme) for size in SIZES for theme in ("light", "dark")]


class Look:
    """A window of one size and theme that notes what is wrong with what it shows."""

    def __init__(self, chromium, url, size, theme):
        self.axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        options = {"viewport": SIZES[size], "color_scheme": theme, "locale": "zh-CN", "bypass_csp": True, "has_touch": size == "phone"}
        self.context, self.url, self.wrong = chromium.new_context(**options), url, []
        self.page, self.errors = self.context.new_page(), []
        self.page.set_default_timeout(30_000)
        self.page.on("dialog", lambda dialog: dialog.accept())  # an edit that is left behind
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def sign_in(self, user):
        self.context.clear_cookies()
        self.context.add_cookies([cookie_for(user, self.url)])

    def see(self, path, status=200):
        answer = self.page.goto(self.url + path)
        assert answer.status == status, path
        if status != 200:
            self.errors.clear()  # the browser names the status in its console
        self.check(path)

    def check(self, what):
        found = self.axe.run(self.page, options={"runOnly": RULES})
        for one in found.response["violations"]:
            self.wrong += [f"{what}: {one['id']}: {node['html'][:160]}" for node in one["nodes"][:3]]
        over = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            self.wrong.append(f"{what}: {over} px too wide")
        self.wrong += [f"{what}: {error}" for error in self.errors]
        self.errors.clear()


# One look every day; the others are for before a release.
MARKS = {("phone", "light"): ()}


@pytest.fixture(params=[pytest.param(look, marks=MARKS.get(look, pytest.mark.soak), id="-".join(look)) for look in LOOKS])
def look(request, chromium, live_server, settings, tmp_path):
    settings.DATASET_FILES = tmp_path / "datasets"
    found = Look(chromium, live_server.url, *request.param)
    yield found
    found.context.close()
    assert not found.wrong, "\n".join(found.wrong)


def test_the_pages_of_admins_and_reviewers(look):
    house = furnish()
    for who, user in (("admin", house.admin), ("reviewer", house.reviewer)):
        look.sign_in(user)
        for path in house.paths[who]:
            look.see(path)
