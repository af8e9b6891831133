"""Values that a sender needs: where to post, and the key."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

KEY_PLACEHOLDER = "<your API key>"


@dataclass(frozen=True, slots=True)
class SenderValues:
    """A connection's endpoint URL and an API key, or a placeholder for one."""

    endpoint_url: str
    key: str = KEY_PLACEHOLDER

    @property
    def origin(self) -> str:
        """The URL without its path. openlineage-python joins `url` and `endpoint` as a browser joins links, so a path
        in `url` that does not end in a slash loses its last part: it goes into `endpoint` instead."""
        parts = urlsplit(self.endpoint_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """The URL's path, without the slash before it."""
        return urlsplit(self.endpoint_url).path.lstrip("/")

    @property
    def python_transport(self) -> str:
        """The transport of openlineage-python, and so of Airflow's provider, as one line of JSON."""
        return json.dumps(
            {
                "type": "http",
                "url": self.origin,
                "endpoint": self.path,
                "auth": {"type": "api_key", "apiKey": self.key},
            }
        )
