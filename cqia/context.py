"""What the frame of every page shows: the name, where one is, and what is wrong with the house."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sources.models import Heartbeat

from .broker import watch

QUIET_AFTER = timedelta(seconds=60)  # the beat asks every 5 s
TAGS = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant"}
# (url name, label, the least role that sees it)
PLACES = (
    ("annotation:review", _("Review"), "reviewer"),
    ("sources:list", _("Sources"), "lead"),
    ("annotation:draft_runs", _("Drafting"), "admin"),
    ("datasets:list", _("Datasets"), "viewer"),
    ("annotation:team", _("Team"), "lead"),
    ("people", _("People"), "admin"),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context of base.html. The error pages render it too, with no user on the request."""
    user = getattr(request, "user", None)
    language = get_language() or settings.LANGUAGE_CODE
    context: dict[str, Any] = {"product": settings.PRODUCT_NAME, "html_lang": TAGS.get(language, language), "nav": [], "banners": []}
    context["languages"] = settings.LANGUAGES  # each in its own words, whatever the language of the page
    if user is not None and user.is_authenticated:
        here = request.resolver_match.view_name if request.resolver_match else ""
        for name, label, role in PLACES:
            if user.has_role(role):
                url = reverse(name)
                context["nav"].append({"url": url, "label": label, "current": here == name or request.path.startswith(url)})
        if user.has_role("lead"):
            context["banners"] = banners()
    return context


def silent_queues() -> list[str]:
    """The queues on which no worker was seen lately."""
    alive = set(Heartbeat.objects.filter(seen_at__gt=timezone.now() - QUIET_AFTER).values_list("queue", flat=True))
    return sorted({"work", "draft"} - alive)


def banners() -> list[dict[str, Any]]:
    """What leads and admins should know on any page, in words that say what to do."""
    if watch.look():
        text = _(
            "The broker (Redis) does not answer: imports, drafts and exports wait, "
            "and go on by themselves once it is back. Reviewing goes on."
        )
        return [{"level": "warn", "text": text}]
    if queues := silent_queues():
        text = _(
            "No worker has been seen for a minute (%(queues)s): imports, drafts and exports wait. Start one, or run `manage.py doctor`."
        )
        return [{"level": "warn", "text": text % {"queues": ", ".join(queues)}}]
    return []
