import django.core.serializers.json
import django.db.models.functions.datetime
from django.db import migrations, models

# Rows are refused, not statements: an UPDATE that finds none is none. The age is compared here, too, so that not even the
# maintenance can shorten the audit.
TRIGGER = """
CREATE FUNCTION refuse_changes_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        AND current_setting('observatory.audit_retention', true) = 'on'
        AND OLD.at < now() - interval '400 days'
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are neither changed nor deleted' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER refuse_changes_of_audit BEFORE UPDATE OR DELETE ON audit_auditentry
    FOR EACH ROW EXECUTE FUNCTION refuse_changes_of_audit();
"""
NO_TRIGGER = """
DROP TRIGGER refuse_changes_of_audit ON audit_auditentry;
DROP FUNCTION refuse_changes_of_audit();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor", models.CharField(blank=True, max_length=150)),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("page", "page"),
                            ("api", "API"),
                            ("admin", "operators' site"),
                            ("command", "command"),
                            ("event", "event"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("added", "Added"),
                            ("changed", "Changed"),
                            ("renamed", "Renamed"),
                            ("removed", "Removed"),
                            ("role_changed", "Changed the role of"),
                            ("deactivated", "Deactivated"),
                            ("reactivated", "Reactivated"),
                            ("link_made", "Made a password link for"),
                            ("password_changed", "Changed the password of"),
                            ("sessions_ended", "Ended sessions of"),
                            ("signed_in", "Signed in as"),
                            ("sign_in_refused", "Refused a sign-in as"),
                            ("signed_out", "Signed out as"),
                        ],
                        max_length=20,
                    ),
                ),
                ("object", models.CharField(max_length=50)),
                ("object_id", models.CharField(blank=True, max_length=64)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("changes", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("address", models.GenericIPAddressField(blank=True, null=True, unpack_ipv4=True)),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "ordering": ["-at", "-id"],
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["-at", "-id"], name="audit_newest")],
            },
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
