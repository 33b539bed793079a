"""The screens of a source as forms: one a screen, its settings as plain fields, in an order that buttons change."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from . import wording
from .forms import Marked
from .models import TextList
from .screens import SCREENS, Setting
from .screens.base import FIELDS

MOST = 50
Given = dict[str, Any]


class ScreenForm(Marked, forms.Form):
    """One screen. `screen` is its name and never changes; `on` says whether it does anything."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.listed: Given = {"screen": name}  # as a source lists it, for those who show it in words
        self.is_open = False
        self.label = wording.screen_name(name)
        self.fields["on"] = forms.BooleanField(label=wording.setting_name("on"), required=False)
        for key, setting in SCREENS[name].settings.items():
            self.fields[key] = _field(setting, wording.setting_name(key))

    def given(self) -> Given:
        """The screen as a source lists it: without what was left empty."""
        settings = {key: self.cleaned_data[key] for key in SCREENS[self.name].settings}
        filled = {key: value for key, value in settings.items() if value not in (None, "", [])}
        return {"screen": self.name, **filled, **({} if self.cleaned_data["on"] else {"off": True})}


class Lines(forms.CharField):
    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class ListChoice(forms.ModelChoiceField):
    """An uploaded list, or none. Its value is the list's number, as a source keeps it."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.count:,})"

    def clean(self, value: Any) -> int | None:
        found = super().clean(value)
        return found.pk if found else None


def _field(setting: Setting, label: str) -> forms.Field:
    match setting.kind:
        case "int":
            return forms.IntegerField(label=label, required=False, min_value=0, max_value=2**31 - 1)
        case "share":
            return forms.FloatField(label=label, required=False, min_value=0, max_value=1, widget=forms.NumberInput(attrs={"step": "any"}))
        case "score":
            return forms.FloatField(label=label, required=False, min_value=1, max_value=10, widget=forms.NumberInput(attrs={"step": "0.5"}))
        case "flag":
            return forms.BooleanField(label=label, required=False)
        case "lines":
            return Lines(label=label, required=False, max_length=2_000_000)
        case "wordlist" | "benchmark":
            kind = TextList.Kind.WORDS if setting.kind == "wordlist" else TextList.Kind.BENCHMARK
            return ListChoice(label=label, required=False, queryset=TextList.objects.filter(kind=kind).defer("lines"))
        case "field" | "fields":
            names = (*FIELDS, "all") if setting.kind == "fields" else FIELDS
            return forms.ChoiceField(label=label, choices=[(name, wording.field_name(name)) for name in names])
    return forms.CharField(label=label, required=False, max_length=500, strip=False)


def kinds() -> list[tuple[str, str]]:
    """The screens that there are, with what they are called."""
    return [(name, wording.screen_name(name)) for name in SCREENS]


def shown(screens: list[Given]) -> list[ScreenForm]:
    """Forms that show these screens; those that nobody knows (any more) are left out."""
    known = [given for given in screens if given.get("screen") in SCREENS]
    forms_ = [ScreenForm(given["screen"], initial=_initial(given), prefix=f"s{n}") for n, given in enumerate(known)]
    for form, given in zip(forms_, known, strict=True):
        form.listed = {key: value for key, value in given.items() if key != "off"}
    return forms_


def _initial(given: Given) -> Given:
    defaults = {key: setting.default for key, setting in SCREENS[given["screen"]].settings.items()}
    return {**defaults, **given, "on": not given.get("off")}


def posted(data: QueryDict) -> list[ScreenForm]:
    """The forms that were sent, in their order."""
    names = [name for name in data.getlist("screen")[:MOST] if name in SCREENS]
    forms_ = [ScreenForm(name, data, prefix=f"s{n}") for n, name in enumerate(names)]
    for form in forms_:
        form.listed = {key: value for key, value in _as_typed(form).items() if value and key not in ("on", "off")}
    return forms_


def moved(forms_: list[ScreenForm], act: str, added: str) -> list[ScreenForm]:
    """The same screens with one moved up or down, taken out, or added: nothing is checked or saved yet, what was typed stays."""
    found = [_as_typed(form) for form in forms_]
    verb, _dash, number = act.partition("-")
    at = int(number) if number.isascii() and number.isdigit() else -1
    if verb == "add" and added in SCREENS and len(found) < MOST:
        found.append({"screen": added})
    elif 0 <= at < len(found):
        screen = found.pop(at)
        if verb in ("up", "down"):
            found.insert(max(0, at + (1 if verb == "down" else -1)), screen)
        elif verb != "remove":
            found.insert(at, screen)
    return shown(found)


def _as_typed(form: ScreenForm) -> Given:
    typed = {key: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(key)) for key, field in form.fields.items()}
    return {"screen": form.name, **typed, "off": not typed["on"]}
