"""The function `insist` becomes `require`, the usual word for a precondition."""

from django.db import migrations

RENAME = """
ALTER FUNCTION insist(boolean) RENAME TO require;
CREATE OR REPLACE FUNCTION require(holds boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF holds THEN RETURN true; END IF;
    RAISE EXCEPTION 'a precondition of the transaction does not hold' USING ERRCODE = 'OB001';
END $$
"""
RENAME_BACK = """
ALTER FUNCTION require(boolean) RENAME TO insist;
CREATE OR REPLACE FUNCTION insist(holds boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF holds THEN RETURN true; END IF;
    RAISE EXCEPTION 'what the transaction insists on does not hold' USING ERRCODE = 'OB001';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("connections", "0002_roles")]

    operations = [migrations.RunSQL(RENAME, RENAME_BACK)]
