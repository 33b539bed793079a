"""API of datasets."""

from django.urls import path

from . import api

VERSION = "datasets/<slug:slug>/versions/<int:number>/"
urlpatterns = [
    path("datasets/", api.Datasets.as_view(), name="api_datasets"),
    path("datasets/<slug:slug>/versions/", api.Versions.as_view(), name="api_versions"),
    path(VERSION, api.OneVersion.as_view(), name="api_version"),
    path(f"{VERSION}files/", api.Files.as_view(), name="api_files"),
    path(f"{VERSION}files/<str:name>", api.OneFile.as_view(), name="api_file"),
]
