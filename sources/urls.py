"""Pages of sources."""

from django.urls import path

from . import fetch_views, import_views, screen_views, views

app_name = "sources"
urlpatterns = [
    path("", views.list_, name="list"),
    path("new/", views.add, name="add"),
    path("import/", import_views.new, name="new_import"),
    path("import/fetch/", fetch_views.new, name="new_fetch"),
    path("fetches/<int:pk>/", fetch_views.one, name="fetch"),
    path("fetches/<int:pk>/progress/", fetch_views.progress, name="fetch_progress"),
    path("imports/<int:pk>/", import_views.one, name="import"),
    path("imports/<int:pk>/progress/", import_views.progress, name="import_progress"),
    path("imports/<int:pk>/cancel/", import_views.cancel, name="cancel_import"),
    path("imports/<int:pk>/resume/", import_views.resume, name="resume_import"),
    path("imports/<int:pk>/roll-back/", import_views.roll_back, name="roll_back_import"),
    path("imports/<int:pk>/rejected.<str:kind>", import_views.rejected, name="rejected"),
    path("posts/<int:pk>/rescue/", views.rescue, name="rescue"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/edit/", views.edit, name="edit"),
    path("<slug:slug>/screens/", screen_views.screens, name="screens"),
    path("<slug:slug>/rescreen/", screen_views.rescreen, name="rescreen"),
    path("<slug:slug>/posts/", views.posts, name="posts"),
    path("<slug:slug>/import/", import_views.new, name="new_import"),
    path("<slug:slug>/import/fetch/", fetch_views.new, name="new_fetch"),
]
