"""The proxies tell PostgREST who has called, and no client tells them."""

import http.client
import json

import pytest

from stack import Stack

FORGED = "203.0.113.9"
FORGERIES = [
    [],
    [("X-Client-Address", FORGED)],
    [("x-client-address", FORGED), ("X-CLIENT-ADDRESS", FORGED)],
    [("X-Client-Address", "")],
    # What a proxy could take for a header of this connection alone, and leave out.
    [("X-Client-Address", FORGED), ("Connection", "X-Client-Address")],
    [("Connection", "X-Client-Address")],
    [("X_Client_Address", FORGED)],
    [("X-Asked-Again", "1")],
    [("x-asked-again", "1"), ("X-Asked-Again", "1")],
    [("X-Forwarded-For", FORGED), ("Forwarded", f"for={FORGED}"), ("X-Real-Ip", FORGED)],
]

# Both answer the headers as PostgREST has got them.
PROBES = """
    CREATE FUNCTION projectalpha.headers_of_request() RETURNS json LANGUAGE sql
        AS $$ SELECT pg_catalog.current_setting('request.headers')::json $$;
    GRANT EXECUTE ON FUNCTION projectalpha.headers_of_request() TO projectalpha_anon;
    CREATE OR REPLACE FUNCTION projectalpha_http.list_tools(bytea) RETURNS projectalpha_http."*/*" LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_catalog.set_config('response.headers', '[{"Content-Type": "application/json"}]', true);
        RETURN pg_catalog.convert_to(pg_catalog.current_setting('request.headers'), 'UTF8');
    END $$;
    NOTIFY pgrst, 'reload schema';
"""


@pytest.fixture(scope="module", params=["caddy", "nginx"])
def probed(request):
    with Stack(proxy=request.param) as running:
        running.sql(PROBES)
        running.eventually(lambda: running.get("/rpc/headers_of_request").status == 200)
        yield running


def headers_of(stack, path, method, headers, source="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", stack.http_port, timeout=30, source_address=(source, 0))
    try:
        connection.putrequest(method, path)
        for name, value in [*headers, *([("Content-Length", "2")] if method == "POST" else [])]:
            connection.putheader(name, value)
        connection.endheaders(b"{}" if method == "POST" else None)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return json.loads(body)
    finally:
        connection.close()


@pytest.mark.parametrize("path, method", [("/tools", "GET"), ("/rpc/headers_of_request", "GET"), ("/rpc/headers_of_request", "POST")])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_a_client_says_of_itself_has_no_effect(probed, path, method, forgery):
    headers = headers_of(probed, path, method, [*forgery, ("Content-Type", "application/json")])
    assert headers["x-client-address"] == "127.0.0.1"
    assert "x-asked-again" not in headers


@pytest.mark.parametrize("path", ["/tools", "/rpc/headers_of_request"])
def test_the_address_is_that_of_the_connection(probed, path):
    for source in ("127.0.0.2", "127.0.0.3"):
        assert headers_of(probed, path, "GET", [], source)["x-client-address"] == source
