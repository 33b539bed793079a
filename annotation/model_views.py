"""Pages of models: which providers there are and what they say they have; of each model its prices, by version, and its limits; caps."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import role_required

from . import drafting, offers, pricing, providers
from .model_forms import CapForm, LimitForm, PriceForm
from .models import Price


@role_required("admin")
@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """The providers' own lists come after the page, by htmx; `?ask=1` waits for them."""
    rows = [row | {"ref": providers.ref(row["provider"], row["model"])} for row in pricing.models_in_use()]
    context: dict[str, Any] = {"rows": rows, "providers": providers.every(), "form": PriceForm()}
    if request.GET.get("ask") == "1":
        context["offers"] = offered(rows)
    return render(request, "annotation/models.html", context)


@role_required("admin")
@require_safe
def offered_models(request: HttpRequest) -> HttpResponse:
    """What the providers say they have. `?fresh=1` asks again; `?pick=1` gives it for the form that orders."""
    found = offers.offers(fresh=request.GET.get("fresh") == "1")
    if request.GET.get("pick") == "1":
        return render(request, "annotation/_offered_pick.html", {"offers": [worded(offer) for offer in found]})
    return render(request, "annotation/_offered.html", {"offers": offered(pricing.models_in_use(), found)})


def offered(rows: list[dict[str, Any]], found: list[offers.Offer] | None = None) -> list[dict[str, Any]]:
    """Each provider's offer in words, with those models in use that it does not list (any more)."""
    shown = []
    for offer in offers.offers() if found is None else found:
        mine = {row["model"] for row in rows if row["provider"] == offer.provider.name}
        gone = sorted(mine - set(offer.models)) if not offer.error else []
        shown.append(worded(offer) | {"gone": gone})
    return shown


def worded(offer: offers.Offer) -> dict[str, Any]:
    name = offer.provider.name
    return {"provider": offer.provider, "error": offer.error, "detail": offer.detail, "hinders": offer.hinders,
            "models": [(model, providers.ref(name, model)) for model in offer.models]}  # fmt: skip


@role_required("admin")
@require_http_methods(["GET", "POST"])
def model_page(request: HttpRequest) -> HttpResponse:
    """`?model=provider:model`: its price in force, the versions before, and its limits. POST: a price, or (`limits`) limits."""
    ref = (request.GET.get("model") or request.POST.get("model") or "").strip()
    provider, model = providers.split(ref)
    price = pricing.current(provider, model)
    limits = next((row["limits"] for row in pricing.models_in_use() if (row["provider"], row["model"]) == (provider, model)), None)
    forms = {"form": PriceForm(initial=_initial(price)), "limit_form": LimitForm(initial=vars(limits) if limits else {})}
    if request.method == "POST":
        key = "limit_form" if "limits" in request.POST else "form"
        forms[key] = type(forms[key])(request.POST)
        if forms[key].is_valid() and _saved(request, forms[key], provider, model):
            return redirect(f"{request.path}?{request.GET.urlencode() or 'model=' + ref}")
    versions = Price.objects.filter(provider=provider, model=model).select_related("by")
    context = {**forms, "ref": ref, "provider": provider, "model": model, "price": price, "versions": versions, "limits": limits}
    return render(request, "annotation/model.html", context, status=400 if any(form.errors for form in forms.values()) else 200)


def _initial(price: Price | None) -> dict[str, Any]:
    names = ("price_in", "price_out", "price_cached", "batch_share", "currency")
    found = {name: getattr(price, name) for name in names} if price else {"currency": "CNY"}
    return {name: value.normalize() if hasattr(value, "normalize") else value for name, value in found.items()}


def _saved(request: HttpRequest, form: Any, provider: str, model: str) -> bool:
    act = pricing.set_limits if isinstance(form, LimitForm) else pricing.set_price
    try:
        act(provider=provider, model=model, by=request.user, **form.cleaned_data)  # type: ignore[operator, arg-type]
    except drafting.Refused as refused:
        form.add_error(None, str(refused))
        return False
    text = _("The limits are in force.") if isinstance(form, LimitForm) else _("The price is in force for calls sent from now on.")
    messages.success(request, text, extra_tags="ok")
    return True


@role_required("admin")
@require_POST
def set_cap(request: HttpRequest) -> HttpResponse:
    """From the page of costs. An empty amount takes the cap away."""
    form = CapForm(request.user, request.POST)  # type: ignore[arg-type]
    error = ""
    if form.is_valid():
        try:
            pricing.set_cap(**form.cleaned_data, by=request.user)  # type: ignore[arg-type]
        except drafting.Refused as refused:
            error = str(refused)
    else:
        error = " ".join(str(text) for errors in form.errors.values() for text in errors)
    if error:
        messages.error(request, error, extra_tags="no")
    else:
        messages.success(request, _("The cap is changed."), extra_tags="ok")
    return redirect("annotation:draft_costs")
