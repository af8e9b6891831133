"""Each connection gets a route of its name. Names are unique among connections that are not removed."""

from django.db import migrations

ADD_ROUTES = """
INSERT INTO connections_route (namespace, connection_id, created_at, made_by_event)
SELECT name, id, created_at, false FROM connections_connection WHERE removed_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("connections", "0005_workspace_keys_and_routes")]

    operations = [migrations.RunSQL(ADD_ROUTES, migrations.RunSQL.noop)]
