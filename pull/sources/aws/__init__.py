"""Parts that the rooms of AWS services share: regions, the form's fields, calls by botocore, descriptions of jobs."""
