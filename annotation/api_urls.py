"""API of annotation."""

from django.urls import URLPattern, path

from . import stats_api

urlpatterns: list[URLPattern] = [
    path("sources/<slug:slug>/funnel/", stats_api.Funnel.as_view(), name="api_funnel"),
]
