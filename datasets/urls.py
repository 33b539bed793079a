"""Pages of datasets."""

from django.urls import path

from . import views

app_name = "datasets"
VERSION = "<slug:slug>/versions/<int:number>/"
urlpatterns = [
    path("", views.datasets, name="list"),
    path("new/", views.new, name="new"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/freeze/", views.freeze, name="freeze"),
    path(VERSION, views.detail, name="version"),
    path(f"{VERSION}progress/", views.progress, name="progress"),
    path(f"{VERSION}files/<str:name>", views.file, name="file"),
]
