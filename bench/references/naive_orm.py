"""Reference: a straightforward implementation. A Django view parses with json, and updates or creates rows one by one.

It uses the ORM, in one transaction per request. The API key is looked up once and cached. gunicorn's threads serve it,
with persistent database connections, as is usual for such applications.
"""

import json
import os
import sys
from functools import cache
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection as database
from django.db import models, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from psycopg.conninfo import conninfo_to_dict

if not settings.configured:
    _database = conninfo_to_dict(os.environ["DATABASE_URL"])
    settings.configure(
        SECRET_KEY="for-benchmarks-only",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="bench.references.naive_orm",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": _database["dbname"],
                "USER": _database["user"],
                "HOST": _database["host"],
                "CONN_MAX_AGE": None,
            }
        },
    )
    django.setup()

KEY = "naive"


class _Model(models.Model):
    class Meta:
        abstract = True
        app_label = "naive"


class ApiKey(_Model):
    text = models.CharField(max_length=100, unique=True)


class Event(_Model):
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    received_at = models.DateTimeField(auto_now_add=True)
    body = models.JSONField()


class Job(_Model):
    namespace = models.CharField(max_length=500)
    name = models.CharField(max_length=500)
    integration = models.CharField(max_length=100)

    class Meta(_Model.Meta):
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="naive_job_unique")]


class Run(_Model):
    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE)
    state = models.CharField(max_length=20)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)


class Dataset(_Model):
    namespace = models.CharField(max_length=500)
    name = models.CharField(max_length=500)
    schema = models.JSONField()

    class Meta(_Model.Meta):
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="naive_dataset_unique")]


class Edge(_Model):
    job = models.ForeignKey(Job, on_delete=models.CASCADE)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE)
    direction = models.CharField(max_length=10)
    last_run = models.ForeignKey(Run, on_delete=models.CASCADE)

    class Meta(_Model.Meta):
        constraints = [models.UniqueConstraint(fields=["job", "dataset", "direction"], name="naive_edge_unique")]


@cache
def _key(text: str) -> ApiKey:
    return ApiKey.objects.get(text=text)


@csrf_exempt
@require_POST
def intake(request: HttpRequest) -> JsonResponse:
    key = _key(request.headers["Authorization"].removeprefix("Bearer "))
    event = json.loads(request.body)
    with transaction.atomic():
        Event.objects.create(key=key, body=event)
        job = _update_job(event)
        run = _update_run(event, job)
        for side, direction in (("inputs", "READS"), ("outputs", "WRITES")):
            for dataset in event[side]:
                _update_edge(dataset, direction, job, run)
    return JsonResponse({"outcome": "stored"}, status=201)


def _update_job(event: dict[str, Any]) -> Job:
    integration = event["job"]["facets"]["jobType"]["integration"]
    job, _ = Job.objects.update_or_create(
        namespace=event["job"]["namespace"], name=event["job"]["name"], defaults={"integration": integration}
    )
    return job


def _update_run(event: dict[str, Any], job: Job) -> Run:
    time = parse_datetime(event["eventTime"])
    values = {"started_at": time} if event["eventType"] == "START" else {"ended_at": time}
    run, _ = Run.objects.update_or_create(
        id=event["run"]["runId"], defaults={"job": job, "state": event["eventType"], **values}
    )
    return run


def _update_edge(document: dict[str, Any], direction: str, job: Job, run: Run) -> None:
    dataset, _ = Dataset.objects.update_or_create(
        namespace=document["namespace"],
        name=document["name"],
        defaults={"schema": document["facets"]["schema"]["fields"]},
    )
    Edge.objects.update_or_create(job=job, dataset=dataset, direction=direction, defaults={"last_run": run})


urlpatterns = [path("lineage", intake)]
application = get_wsgi_application()


def create_tables() -> None:
    with database.schema_editor() as editor:
        for model in (ApiKey, Event, Job, Run, Dataset, Edge):
            editor.create_model(model)
    ApiKey.objects.create(text=KEY)


if __name__ == "__main__" and sys.argv[1:] == ["create_tables"]:
    create_tables()
