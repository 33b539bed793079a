"""Every address of the product. The doors of an app lie in its own `urls.py` (pages) and `api.py` (API)."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import include, path

from accounts.views import SignIn, choose_language

from . import views

admin.site.unregister(Group)  # a person has a role, and nothing else
urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("api/v1/", include("cqia.api_urls")),  # before the long lists: an address is looked for from the top
    path("i18n/setlang/", choose_language, name="set_language"),
    path("accounts/", include("accounts.urls")),
    path("sources/", include("sources.urls")),
    path("", include("annotation.urls")),
    path("datasets/", include("datasets.urls")),
    path("admin/login/", SignIn.as_view()),  # one door: no other form could forget the limits and the second factor
    path("admin/", admin.site.urls),
]
handler400, handler403, handler404, handler500 = views.bad_request, views.forbidden, views.not_found, views.server_error
