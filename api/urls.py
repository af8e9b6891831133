"""URLs under /api/v1/. No path ends in a slash, and none redirects to one that does."""

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, path, re_path, register_converter
from django.urls.converters import UUIDConverter
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated

from api import views


class AnyCaseUUIDConverter(UUIDConverter):
    """UUIDs as senders write them: Django's own converter knows lower case alone."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


register_converter(AnyCaseUUIDConverter, "any_case_uuid")

# JSON unless asked for YAML; a browser shows application/json, and saves the others.
_schema = SpectacularAPIView.as_view(
    permission_classes=[IsAuthenticated],
    renderer_classes=[OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer2, OpenApiYamlRenderer],
)
# A page for people: without a session it leads to sign-in. It has no description of itself (OPTIONS), which its
# template could not render.
_docs = login_required(
    SpectacularSwaggerSplitView.as_view(
        permission_classes=[IsAuthenticated],
        url_name="api_schema",
        template_name="api/docs.html",
        http_method_names=["get", "head"],
    )
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("connections", views.ConnectionsView.as_view(), name="api_connections"),
    path("connections/<any_case_uuid:connection_id>", views.ConnectionView.as_view(), name="api_connection"),
    path(
        "connections/<any_case_uuid:connection_id>/jobs",
        views.ConnectionJobsView.as_view(),
        name="api_connection_jobs",
    ),
    path(
        "connections/<any_case_uuid:connection_id>/runs",
        views.ConnectionRunsView.as_view(),
        name="api_connection_runs",
    ),
    path("jobs", views.JobsView.as_view(), name="api_jobs"),
    path("jobs/<any_case_uuid:job_id>", views.JobView.as_view(), name="api_job"),
    path("jobs/<any_case_uuid:job_id>/runs", views.JobRunsView.as_view(), name="api_job_runs"),
    path("runs", views.RunsView.as_view(), name="api_runs"),
    path("runs/<any_case_uuid:run_id>", views.RunView.as_view(), name="api_run"),
    path("runs/<any_case_uuid:run_id>/children", views.RunChildrenView.as_view(), name="api_run_children"),
    path("runs/<any_case_uuid:run_id>/events", views.RunEventsView.as_view(), name="api_run_events"),
    path("datasets", views.DatasetsView.as_view(), name="api_datasets"),
    path("datasets/<any_case_uuid:dataset_id>", views.DatasetView.as_view(), name="api_dataset"),
    path("datasets/<any_case_uuid:dataset_id>/schemas", views.DatasetSchemasView.as_view(), name="api_dataset_schemas"),
    path("datasets/<any_case_uuid:dataset_id>/columns", views.DatasetColumnsView.as_view(), name="api_dataset_columns"),
    path("datasets/<any_case_uuid:dataset_id>/runs", views.DatasetRunsView.as_view(), name="api_dataset_runs"),
    path("lineage", views.LineageView.as_view(), name="api_lineage"),
    path("search", views.SearchView.as_view(), name="api_search"),
    path("schema", _schema, name="api_schema"),
    path("docs", _docs, name="api_docs"),
    re_path("", views.NothingHereView.as_view(), name="api_nothing_here"),
]
