"""Regions of AWS, and the hosts of its services in them. Pure.

A host is made of these names alone: nobody can name another one in the form.
"""

from collections.abc import Mapping
from typing import Final

REGIONS: Final = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1"),
    *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("af-south-1", "il-central-1", "me-central-1", "me-south-1"),
    *("ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
    *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"),
    *("ap-southeast-7", "us-gov-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1"),
)
# Where the tests' stand-in for AWS answers. No form has this field, and only hosts in PULL_ALLOWED_HOSTS are asked.
ENDPOINT: Final = "endpoint"


def endpoint_of(service: str, config: Mapping[str, str]) -> str:
    """Return the base URL of a service, such as `states`, in the region of the form. Raises ValueError."""
    if ENDPOINT in config:
        return config[ENDPOINT]
    region = config.get("region", "")
    if region not in REGIONS:
        raise ValueError(f"There is no region {region} that Observatory knows.")
    ending = "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"
    return f"https://{service}.{region}.{ending}"


def partition_of(region: str) -> str:
    """Return the second part of the ARNs of a region: aws, aws-cn or aws-us-gov."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def console_of(region: str) -> str | None:
    """Return the URL of the console's pages. None where the console has another host."""
    return f"https://{region}.console.aws.amazon.com" if partition_of(region) == "aws" else None
