"""A client of the HTTP API: thin enough that a test still reads like the API."""

import json
import time

import requests


class Problem(Exception):
    """An answer that is not 200."""

    def __init__(self, response: requests.Response):
        super().__init__(f"{response.status_code} {response.request.method} {response.url}: {response.text[:500]}")
        self.status = response.status_code
        self.headers = response.headers
        self.response = response

    @property
    def body(self) -> dict:
        return self.response.json()


class Api:
    """The API of one server as one tenant."""

    def __init__(self, base: str, tenant: str | None = None):
        self.base = base
        self.tenant = tenant
        self.session = requests.Session()
        self.session.trust_env = False

    def as_tenant(self, tenant: str) -> "Api":
        return Api(self.base, tenant)

    def headers(self, more: dict | None = None) -> dict:
        return {**({"X-Scope-OrgID": self.tenant} if self.tenant else {}), **(more or {})}

    def raw(self, method: str, path: str, headers: dict | None = None, timeout: float = 60, **rest) -> requests.Response:
        """Any request; the answer whatever it is."""
        return self.session.request(method, self.base + path, headers=self.headers(headers), timeout=timeout, **rest)

    def get(self, path: str, **params) -> requests.Response:
        response = self.raw("GET", path, params=params)
        if response.status_code != 200:
            raise Problem(response)
        return response

    def post(self, path: str, body, headers: dict | None = None, **params) -> requests.Response:
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        if isinstance(body, str):
            body = body.encode()
        response = self.raw("POST", path, headers=headers, data=body, params=params)
        if response.status_code != 200:
            raise Problem(response)
        return response

    def search(self, q: str = "", **params) -> list[dict]:
        """One page of rows."""
        return rows_of(self.get("/api/v1/search", q=q, **params))

    def pages(self, q: str = "", **params):
        """Pages of rows, as long as there is a cursor."""
        cursor = None
        while True:
            response = self.get("/api/v1/search", q=q, **({"cursor": cursor} if cursor else {}), **params)
            yield rows_of(response)
            cursor = response.headers.get("X-Clewline-Cursor")
            if not cursor:
                return

    def search_all(self, q: str = "", limit: int = 10_000, **params) -> list[dict]:
        """Every row, page by page."""
        return [row for page in self.pages(q, limit=limit, **params) for row in page]

    def count(self, q: str = "*", **params) -> int:
        rows = self.search(f"{q} | stats count() as n", **params)
        return rows[0]["n"] if rows else 0

    def sql(self, text: str) -> list[dict]:
        return rows_of(self.get("/api/v1/sql", q=text))

    def trace(self, trace_id: str) -> dict:
        return self.get(f"/api/v1/traces/{trace_id}").json()

    def status(self) -> dict:
        return self.get("/api/v1/status").json()

    def jsonl(self, records: list[dict], key: str | None = None, **params) -> dict:
        """Sends records as JSON lines; the receipt."""
        body = "".join(json.dumps(record) + "\n" for record in records)
        headers = {"Content-Type": "application/x-ndjson", **({"Idempotency-Key": key} if key else {})}
        return self.post("/api/v1/ingest/jsonl", body, headers, **params).json()

    def metrics(self) -> dict[str, float]:
        """Samples of /metrics by their full name with labels."""
        samples = {}
        for line in self.get("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples


def rows_of(response: requests.Response) -> list[dict]:
    return [json.loads(line) for line in response.text.split("\n") if line]


def lines_of(response: requests.Response):
    """Lines of an open-ended answer, until either side ends it."""
    try:
        for line in response.iter_lines(chunk_size=1):
            yield line.decode()
    except (requests.RequestException, AttributeError, ValueError, OSError):
        return  # closed by another thread while this one was reading


def wait_for(what: str, look, timeout: float = 20, pause: float = 0.1):
    """Repeats `look` until it gives something true; its value. Connection errors count as not yet."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = look()
            if last:
                return last
        except (requests.ConnectionError, requests.Timeout) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {last!r:.500}")
        time.sleep(pause)
