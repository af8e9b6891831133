"""Fields of the form for services of AWS. The machine's own role is never used: it is the operator's, not a user's."""

from typing import Final

from pull.sources.aws.regions import REGIONS
from pull.sources.fetcher import Field

FIELDS: Final = (
    Field("region", "Region", choices=tuple((region, region) for region in REGIONS), initial="us-east-1"),
    Field(
        "access_key_id",
        "Access key ID",
        "Of an IAM user that may only read: the guide has a policy.",
        placeholder="AKIA…",
    ),
    Field("secret", "Secret access key", is_secret=True),
    Field(
        "role_arn",
        "Role to assume",
        "Empty if the user itself may read.",
        placeholder="arn:aws:iam::123456789012:role/observatory",
        required=False,
    ),
    Field("external_id", "External ID", "If the role's trust policy asks for one.", required=False),
)
HINTS: Final = {
    "unauthorized": "Check the access key and its secret, and that the key is active.",
    "forbidden": "Add the action to the policy of the user or the role.",
    "throttled": "Other tools share this account's limits. The next sync goes on.",
}
