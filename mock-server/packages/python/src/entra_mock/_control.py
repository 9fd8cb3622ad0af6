"""A client of the control API."""

from __future__ import annotations

import http.client
import json
from typing import Any, Callable
from urllib.parse import quote, urlencode, urlsplit


class EntraMockError(Exception):
    """What the mock did not understand, or could not do."""

    def __init__(self, title: str, detail: str = "", status: int | None = None) -> None:
        super().__init__(detail or title)
        self.title = title
        """What kind of problem it is."""
        self.status = status
        """The HTTP status of the control API, if it was asked."""


class Control:
    """Asks the control API of a running mock. Never by a proxy."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not parts.hostname:
            raise EntraMockError("no address", f"'{url}' is not a URL such as http://127.0.0.1:8400")
        self._host, self._port = parts.hostname, parts.port or 80
        self.ended: Callable[[], str] = str
        """Says how a mock that was started here has ended, or nothing."""

    def ask(
        self,
        method: str,
        *path: str,
        query: dict[str, object] | None = None,
        body: object = None,
        timeout: float = 30.0,
    ) -> Any:
        """Returns the JSON of the answer, or its text if it is none."""
        target = "/api/v1/" + "/".join(quote(part, safe="") for part in path)
        if query:
            target += "?" + urlencode({name: it for name, it in query.items() if it is not None})
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, target, body=data, headers={"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
        except OSError as error:
            raise EntraMockError("no answer", f"no mock answers at {self.url}: {error}{self.ended()}") from error
        finally:
            connection.close()
        try:
            value = json.loads(text) if text else None
        except ValueError:
            value = text
        if response.status >= 400:
            problem = value if isinstance(value, dict) else {}
            raise EntraMockError(
                str(problem.get("title", f"HTTP {response.status}")), str(problem.get("detail", "")), response.status
            )
        return value
