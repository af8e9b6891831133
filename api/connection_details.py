"""Details of one connection, for `/connections/{id}`: its last runs, its API keys, and the last requests."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from api.serializers import ConnectionSerializer, listed
from connections.models import ApiKey, Attempt, Connection
from lineage.overview.summaries import RecentRunCounts, connection_summary, recent_run_counts
from pull.reading import read_fetching

ATTEMPTS_SHOWN = 20


class LatelySerializer(serializers.Serializer[RecentRunCounts]):
    """The runs that took place in the last 24 hours."""

    runs = serializers.IntegerField()
    failed = serializers.IntegerField()


class ApiKeySerializer(serializers.Serializer[ApiKey]):
    """An API key. Nothing here lets anybody send: its secret was shown once."""

    name = serializers.CharField()
    last_characters = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField(help_text="Who generated it; null where that is not known any more.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute; null before the first use.")

    def get_created_by(self, key: ApiKey) -> str | None:
        return key.created_by.get_username() if key.created_by else None


class AttemptSerializer(serializers.Serializer[Attempt]):
    """End of a request at the intake."""

    at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(Attempt.Outcome.choices)
    status = serializers.IntegerField(help_text="Of the answer, by HTTP.")
    reason = serializers.SerializerMethodField(help_text="Why it was refused, in words; null where it was not.")
    code = serializers.SerializerMethodField(help_text="Why, as the code of the refusal; null where it was not.")
    key_name = serializers.SerializerMethodField(help_text="Of the API key that it came with, where that is known.")
    job_name = serializers.SerializerMethodField(help_text="Of the job that it was about, where that is known.")

    def get_reason(self, attempt: Attempt) -> str | None:
        return attempt.reason or None

    def get_code(self, attempt: Attempt) -> str | None:
        return attempt.code or None

    def get_key_name(self, attempt: Attempt) -> str | None:
        return attempt.key_name or None

    def get_job_name(self, attempt: Attempt) -> str | None:
        return attempt.job_name or None


class OneConnectionSerializer(ConnectionSerializer):
    """Orchestrator that sends events or is fetched from, with a summary of what arrived."""

    last_24_hours = LatelySerializer(help_text="Of the runs that took place then.")
    api_keys = ApiKeySerializer(many=True, help_text="The oldest first.")
    attempts = AttemptSerializer(many=True, help_text=f"The last {ATTEMPTS_SHOWN} requests at most, the newest first.")


def connection_details(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Read what OneConnectionSerializer describes."""
    fetching = read_fetching(connection, now=now)
    return {
        **ConnectionSerializer(connection_summary(connection, now=now, fetching=fetching)).data,
        "last_24_hours": LatelySerializer(recent_run_counts(connection, now=now)).data,
        "api_keys": listed(ApiKeySerializer, list(connection.api_keys.select_related("created_by"))),
        "attempts": listed(AttemptSerializer, list(connection.attempts.newest(ATTEMPTS_SHOWN))),
    }
