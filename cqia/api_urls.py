"""The API under /api/v1/: each app registers its own."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api_docs"),
    path("", include("annotation.api_urls")),  # first: a decision is what is sent most
    path("", include("accounts.api_urls")),
    path("", include("sources.api_urls")),
    path("", include("datasets.api_urls")),
]
