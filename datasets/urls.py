"""Pages of datasets."""

from django.urls import path

from . import act_views, views

app_name = "datasets"
VERSION = "<slug:slug>/versions/<int:number>/"
urlpatterns = [
    path("", views.datasets, name="list"),
    path("new/", views.new, name="new"),
    path("takedowns/", act_views.takedowns, name="takedowns"),
    path("takedowns/<int:pk>/lift/", act_views.lift, name="lift"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/recipe/", views.recipe, name="recipe"),
    path("<slug:slug>/freeze/", act_views.freeze, name="freeze"),
    path("<slug:slug>/freeze/offer/", views.offer, name="offer"),
    path(VERSION, views.detail, name="version"),
    path(f"{VERSION}progress/", views.progress, name="progress"),
    path(f"{VERSION}cancel/", act_views.cancel, name="cancel"),
    path(f"{VERSION}release/", act_views.release, name="release"),
    path(f"{VERSION}withdraw/", act_views.withdraw, name="withdraw"),
    path(f"{VERSION}changes/", views.changes, name="changes"),
    path(f"{VERSION}files/<str:name>", views.file, name="file"),
    path(f"{VERSION}exports/", act_views.exports, name="exports"),
    path(f"{VERSION}exports/order/", act_views.order, name="order"),
    path(f"{VERSION}exports/<int:pk>/cancel/", act_views.cancel_export, name="cancel_export"),
    path(f"{VERSION}records/<int:position>/takedown/", act_views.take_down, name="take_down"),
]
