"""Verbs for second steps, single sign-on and confirmations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_entries"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="verb",
            field=models.CharField(
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
                    ("factor_added", "Added a factor of"),
                    ("factor_removed", "Removed a factor of"),
                    ("codes_made", "Made recovery codes of"),
                    ("sso_linked", "Linked to single sign-on"),
                    ("sessions_ended", "Ended sessions of"),
                    ("signed_in", "Signed in as"),
                    ("sign_in_refused", "Refused a sign-in as"),
                    ("second_step_failed", "Failed the second step as"),
                    ("confirmed", "Confirmed to be"),
                    ("signed_out", "Signed out as"),
                ],
                max_length=20,
            ),
        ),
    ]
