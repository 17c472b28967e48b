#!/usr/bin/env python3
"""A saturnd from outside: routes, batons, transactions over several requests, what is malformed,
limits, slow peers, stops and reloads.

usage: server_test.py SATURND [NAME...]    only the tests whose names contain one of NAME
"""
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback

from daemon import Client, Daemon, environment, rows_of, stmt
from websocket import Closed, WebSocket

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def execute(sql, args=(), **more):
    return {"type": "execute", "stmt": stmt(sql, args, **more)}


CLOSE = {"type": "close"}


def raw(daemon, data, timeout=5):
    """All that the server answers to these bytes until it closes, or is silent for `timeout`."""
    connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=timeout)
    connection.sendall(data)
    answer = b""
    try:
        while chunk := connection.recv(65536):
            answer += chunk
    except socket.timeout:
        answer += b"<silence>"
    except ConnectionResetError:
        answer += b"<reset>"
    connection.close()
    return answer


def error_of(status, headers, body, code=None):
    """Checks the shape that every HTTP error has, and returns its message."""
    assert headers["Content-Type"] == "application/json", headers["Content-Type"]
    error = json.loads(body)
    assert set(error) == {"message", "code", "error"}, error
    assert status >= 400 and isinstance(error["code"], str) and error["code"]
    assert code is None or error["code"] == code, error
    return error["message"]


def wait_for(condition, seconds=10):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


# --- routes --------------------------------------------------------------------------------------

@test
def probes_and_health_answer_and_unknown_routes_are_json_errors(daemon):
    client = Client(daemon)
    for path in ("/health", "/livez", "/readyz", "/v1", "/v2", "/v3", "/version", "/v2?x=1"):
        assert client.request("GET", path)[0] == 200, path
    assert client.request("GET", "/health")[2] == b""
    assert client.request("HEAD", "/health")[0] == 200
    assert client.request("GET", "/version")[2].startswith(b"saturnd ")
    for method, path, status in (("GET", "/v3-protobuf", 404), ("GET", "/nosuch", 404),
                                 ("POST", "/nosuch", 404), ("GET", "/v2/pipeline", 405),
                                 ("DELETE", "/v2/pipeline", 405), ("POST", "/health", 405)):
        answer = client.request(method, path)
        assert answer[0] == status, (method, path, answer[0])
        error_of(*answer)


@test
def only_the_default_database_exists(daemon):
    client = Client(daemon)
    body = {"baton": None, "requests": [execute("SELECT 1"), CLOSE]}
    assert client.request("POST", "/dev/default/v2/pipeline", body)[0] == 200
    assert client.request("POST", "/v2/pipeline", body, {"x-namespace": "default"})[0] == 200
    for answer in (client.request("POST", "/dev/other/v2/pipeline", body),
                   client.request("POST", "/v2/pipeline", body, {"x-namespace": "other"})):
        assert answer[0] == 404
        assert "other" in error_of(*answer)


@test
def the_simple_api_answers_plain_json_and_stops_at_the_first_failure(daemon):
    status, _, body = Client(daemon).request("POST", "/", {"statements": [
        {"q": "SELECT ? AS a, ?", "params": [1, "x"]}, "SELECT x'00ff', 1.5, NULL", "SELECT nosuch",
        "SELECT 2"]})
    answer = json.loads(body)
    assert status == 200 and len(answer) == 3, answer
    assert answer[0]["results"]["columns"][0] == "a"
    assert answer[0]["results"]["rows"] == [[1, "x"]]
    assert answer[1]["results"]["rows"] == [[{"base64": "AP8"}, 1.5, None]]
    assert "nosuch" in answer[2]["error"]["message"]


@test
def version_1_routes_are_stateless(daemon):
    client = Client(daemon)
    status, _, body = client.request("POST", "/v1/execute", {"stmt": stmt("SELECT 7")})
    assert status == 200
    assert json.loads(body)["result"]["rows"] == [[{"type": "integer", "value": "7"}]]
    status, _, body = client.request("POST", "/v1/batch", {"batch": {"steps": [
        {"stmt": stmt("SELECT 1")}, {"stmt": stmt("SELECT nosuch")},
        {"stmt": stmt("SELECT 3"), "condition": {"type": "ok", "step": 1}}]}})
    result = json.loads(body)["result"]
    assert [r is not None for r in result["step_results"]] == [True, False, False]
    assert [e is not None for e in result["step_errors"]] == [False, True, False]
    error_of(*client.request("POST", "/v1/execute", {"stmt": stmt("SELECT nosuch")}))


# --- pipelines, batons, transactions -------------------------------------------------------------

@test
def a_pipeline_runs_on_after_a_failure(daemon):
    answer = Client(daemon).pipeline([execute("SELECT 1"), execute("SELECT nosuch"),
                                      execute("SELECT 2"), CLOSE, execute("SELECT 3")])
    assert [r["type"] for r in answer["results"]] == ["ok", "error", "ok", "ok", "error"]
    assert answer["results"][1]["error"]["code"] == "SQL_INPUT_ERROR"
    assert answer["results"][4]["error"]["code"] == "STREAM_NOT_OPEN"
    assert answer["baton"] is None


@test
def a_transaction_spans_requests_and_connections(daemon):
    Client(daemon).execute("CREATE TABLE span(a)")
    first = Client(daemon).pipeline([execute("BEGIN"), execute("INSERT INTO span VALUES (1)"),
                                     {"type": "get_autocommit"}])
    assert first["results"][2]["response"]["is_autocommit"] is False
    assert Client(daemon).execute("SELECT count(*) FROM span") == [[0]]
    second = Client(daemon).pipeline([execute("SELECT count(*) FROM span"), execute("COMMIT"),
                                      {"type": "get_autocommit"}, CLOSE], first["baton"])
    assert rows_of(second["results"][0]) == [[1]]
    assert second["results"][2]["response"]["is_autocommit"] is True
    assert Client(daemon).execute("SELECT count(*) FROM span") == [[1]]


@test
def close_rolls_a_transaction_back(daemon):
    client = Client(daemon)
    client.execute("CREATE TABLE rolled(a)")
    client.pipeline([execute("BEGIN"), execute("INSERT INTO rolled VALUES (1)"), CLOSE])
    assert client.execute("SELECT count(*) FROM rolled") == [[0]]


@test
def a_baton_is_good_once_and_cannot_be_forged(daemon):
    client = Client(daemon)
    baton = client.pipeline([execute("SELECT 1")])["baton"]
    again = client.pipeline([execute("SELECT 2")], baton)
    assert again["baton"] not in (None, baton)
    body = {"baton": baton, "requests": []}
    error_of(*client.request("POST", "/v3/pipeline", body))
    # The refusal has done the stream no harm.
    final = client.pipeline([execute("SELECT 3"), CLOSE], again["baton"])
    assert rows_of(final["results"][0]) == [[3]] and final["baton"] is None
    error_of(*client.request("POST", "/v3/pipeline", {"baton": again["baton"], "requests": []}))
    for forged in ("", "x", baton[:-1], baton[:-1] + ("A" if baton[-1] != "A" else "B"), "é" * 40):
        answer = client.request("POST", "/v3/pipeline", {"baton": forged, "requests": []})
        assert answer[0] == 400, (forged, answer)
        error_of(*answer)


@test
def stored_sql_lives_with_its_stream(daemon):
    client = Client(daemon)
    first = client.pipeline([{"type": "store_sql", "sql_id": 1, "sql": "SELECT 5"},
                             {"type": "close_sql", "sql_id": 99}])
    assert [r["type"] for r in first["results"]] == ["ok", "ok"], first
    by_id = {"type": "execute", "stmt": {"sql_id": 1}}
    second = client.pipeline([by_id], first["baton"])
    assert rows_of(second["results"][0]) == [[5]]
    # A used id is a violation: the whole request fails, and the stream with it.
    body = {"baton": second["baton"],
            "requests": [{"type": "store_sql", "sql_id": 1, "sql": "SELECT 6"}]}
    status, headers, text = client.request("POST", "/v3/pipeline", body)
    assert status == 400
    error_of(status, headers, text)


@test
def statements_arguments_and_their_errors(daemon):
    client = Client(daemon)

    def run(sql, **more):
        result = client.pipeline([{"type": "execute", "stmt": {"sql": sql, **more}}, CLOSE])["results"][0]
        return result["error"]["code"] if result["type"] == "error" else rows_of(result)

    one = {"type": "integer", "value": "1"}
    assert run("SELECT :a", named_args=[{"name": "a", "value": one}]) == [[1]]
    assert run("SELECT $a", named_args=[{"name": "$a", "value": one}]) == [[1]]
    assert run("SELECT typeof(?)", args=[{"type": "float", "value": 1}]) == [["real"]]
    assert run("SELECT ?3", args=[one, one, one]) == [[1]]
    assert run("SELECT 1; -- nothing more\n /* here */ ;") == [[1]]
    assert run("SELECT 1", want_rows=False) == []
    assert run("SELECT 1", args=None, named_args=None, want_rows=None) == [[1]]
    assert run("SELECT x'0001'") == [["AAE"]]
    assert run("SELECT ?", args=[{"type": "blob", "base64": "AAE="}]) == [["AAE"]]
    assert run("") == "SQL_NO_STATEMENT"
    assert run(" -- only a comment") == "SQL_NO_STATEMENT"
    assert run("SELECT 1; SELECT 2") == "SQL_MANY_STATEMENTS"
    assert run("SELECT 1", args=[one]) == "ARGS_INVALID"
    assert run("SELECT :a", named_args=[{"name": "b", "value": one}]) == "ARGS_INVALID"
    assert run("SELECT ?, :a", args=[one], named_args=[{"name": "a", "value": one}]) \
        == "ARGS_BOTH_POSITIONAL_AND_NAMED"
    assert run("SELEC 1") == "SQL_PARSE_ERROR"
    assert run("SELECT nosuch") == "SQL_INPUT_ERROR"
    assert isinstance(run("SELECT 9e999"), str)  # no JSON number: an error, never null


@test
def constraint_errors_keep_sqlites_text(daemon):
    client = Client(daemon)
    client.execute("CREATE TABLE uniq(a UNIQUE)")
    client.execute("INSERT INTO uniq VALUES (1)")
    error = client.pipeline([execute("INSERT INTO uniq VALUES (1)"), CLOSE])["results"][0]["error"]
    assert error == {"code": "SQLITE_CONSTRAINT",
                     "message": "SQLite error: UNIQUE constraint failed: uniq.a"}, error


@test
def results_count_changes_and_name_the_last_row(daemon):
    client = Client(daemon)
    client.execute("CREATE TABLE counted(a INTEGER PRIMARY KEY, b TEXT)")
    results = [r["response"]["result"] for r in client.pipeline([
        execute("INSERT INTO counted(b) VALUES ('x'), ('y')"), execute("SELECT a, b, a + 1 FROM counted"),
        execute("UPDATE counted SET b = 'z'"), CLOSE])["results"][:3]]
    assert [r["affected_row_count"] for r in results] == [2, 0, 2]
    assert results[0]["last_insert_rowid"] == "2"
    assert results[1]["cols"][:2] == [{"name": "a", "decltype": "INTEGER"},
                                      {"name": "b", "decltype": "TEXT"}]
    assert results[1]["cols"][2]["decltype"] is None


@test
def describe_and_sequence(daemon):
    client = Client(daemon)
    answer = client.pipeline([
        {"type": "sequence", "sql": "CREATE TABLE seq(a); INSERT INTO seq VALUES (1); ;"},
        {"type": "sequence", "sql": "  -- nothing"},
        {"type": "describe", "sql": "SELECT a FROM seq WHERE a = :x AND a < ?2"},
        {"type": "sequence", "sql": "INSERT INTO seq VALUES (2); SELECT nosuch; INSERT INTO seq VALUES (3)"},
        execute("SELECT count(*) FROM seq"), CLOSE])
    kinds = [r["type"] for r in answer["results"]]
    assert kinds == ["ok", "ok", "ok", "error", "ok", "ok"], answer
    described = answer["results"][2]["response"]["result"]
    assert described["params"] == [{"name": ":x"}, {"name": "?2"}], described
    assert described["is_readonly"] is True and described["is_explain"] is False
    assert rows_of(answer["results"][4]) == [[2]]


@test
def batch_conditions(daemon):
    def step(sql, condition=None):
        return {"stmt": stmt(sql), **({"condition": condition} if condition else {})}

    ok = {"type": "ok", "step": 0}
    bad = {"type": "error", "step": 1}
    answer = Client(daemon).pipeline([{"type": "batch", "batch": {"steps": [
        step("SELECT 1"), step("SELECT nosuch"), step("SELECT 2", {"type": "and", "conds": [ok, bad]}),
        step("SELECT 3", {"type": "not", "cond": ok}), step("SELECT 4", {"type": "error", "step": 3}),
        step("SELECT 5", {"type": "or", "conds": [bad]}),
        step("SELECT 6", {"type": "is_autocommit"})]}}, CLOSE])
    result = answer["results"][0]["response"]["result"]
    assert [r is not None for r in result["step_results"]] == [True, False, True, False, False, True, True]
    later = {"baton": None, "requests": [{"type": "batch", "batch": {"steps": [
        step("SELECT 1", {"type": "ok", "step": 0})]}}]}
    assert Client(daemon).request("POST", "/v3/pipeline", later)[0] == 400


@test
def a_cursor_is_lines_of_json_and_its_stream_goes_on(daemon):
    client = Client(daemon)
    status, headers, body = client.request("POST", "/v3/cursor", {"baton": None, "batch": {"steps": [
        {"stmt": stmt("BEGIN")}, {"stmt": stmt("SELECT 1 AS a UNION ALL SELECT 2")},
        {"stmt": stmt("SELECT nosuch")}, {"stmt": stmt("SELECT 3", want_rows=False)}]}})
    lines = [json.loads(line) for line in body.splitlines()]
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert [e["type"] for e in lines[1:]] == ["step_begin", "step_end", "step_begin", "row", "row",
                                              "step_end", "step_error", "step_begin", "step_end"]
    assert lines[3]["cols"] == [{"name": "a", "decltype": None}], lines[3]
    more = client.pipeline([{"type": "get_autocommit"}, CLOSE], lines[0]["baton"])
    assert more["results"][0]["response"]["is_autocommit"] is False


@test
def a_long_cursor_comes_in_parts_also_over_http_1_0(daemon):
    client = Client(daemon)
    client.execute("CREATE TABLE long(a)")
    client.pipeline([execute("INSERT INTO long VALUES (?)", ["x" * 1000])] * 300 + [CLOSE])
    body = {"baton": None, "batch": {"steps": [{"stmt": stmt("SELECT a FROM long")}]}}
    status, headers, text = client.request("POST", "/v3/cursor", body)
    assert headers["Transfer-Encoding"] == "chunked"
    assert sum(json.loads(line).get("type") == "row" for line in text.splitlines()) == 300
    data = json.dumps(body).encode()
    answer = raw(daemon, b"POST /v3/cursor HTTP/1.0\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data)
                 + data)
    head, text = answer.split(b"\r\n\r\n", 1)
    assert b"chunked" not in head
    assert sum(json.loads(line).get("type") == "row" for line in text.splitlines()) == 300


@test
def writes_in_a_read_only_transaction_fail(daemon):
    client = Client(daemon)
    client.execute("CREATE TABLE ro(a)")
    answer = client.pipeline([execute("BEGIN TRANSACTION READONLY"), execute("INSERT INTO ro VALUES (1)"),
                              CLOSE])
    assert answer["results"][1]["error"]["code"] == "SQLITE_READONLY", answer


@test
def foreign_keys_hold_unless_a_stream_turns_them_off(daemon):
    client = Client(daemon)
    client.pipeline([execute("CREATE TABLE parent(id INTEGER PRIMARY KEY)"),
                     execute("CREATE TABLE child(x REFERENCES parent)"), CLOSE])
    orphan = execute("INSERT INTO child VALUES (5)")
    answer = Client(daemon).pipeline([orphan, execute("PRAGMA foreign_keys = OFF"), orphan, CLOSE])
    failed, _, done, _ = answer["results"]
    assert failed["error"]["code"] == "SQLITE_CONSTRAINT", answer
    assert "FOREIGN KEY constraint failed" in failed["error"]["message"], answer
    assert done["type"] == "ok", answer
    answer = Client(daemon).pipeline([orphan, CLOSE])
    assert answer["results"][0]["type"] == "error", answer


@test
def session_pragmas_survive_from_one_baton_to_the_next(daemon):
    client = Client(daemon)
    first = client.pipeline([execute("PRAGMA query_only"), execute("PRAGMA query_only = on")])
    assert rows_of(first["results"][0]) == [[0]]
    second = client.pipeline([execute("PRAGMA query_only"), CLOSE], first["baton"])
    assert rows_of(second["results"][0]) == [[1]]
    assert client.execute("PRAGMA query_only") == [[0]]


@test
def an_idle_transaction_times_out_and_nothing_runs_outside_of_it(exe):
    daemon = Daemon(exe, "--transaction-timeout-ms", "300")
    client = Client(daemon)
    client.execute("CREATE TABLE t(a)")
    socket_client = WebSocket(daemon.port).hello()
    socket_client.call(1, type="open_stream", stream_id=1)

    def on_ws(number, sql):
        answer = socket_client.call(number, type="execute", stream_id=1, stmt=stmt(sql))
        return answer["error"]["code"] if "error" in answer else "ok"

    baton = client.pipeline([execute("BEGIN"), execute("INSERT INTO t VALUES (1)")])["baton"]
    time.sleep(1.2)
    assert client.execute("INSERT INTO t VALUES (2)") == []  # the writer's turn is free again
    assert (on_ws(2, "BEGIN"), on_ws(3, "INSERT INTO t VALUES (3)")) == ("ok", "ok")
    time.sleep(1.2)
    late = client.pipeline([execute("INSERT INTO t VALUES (4)"), {"type": "get_autocommit"},
                            execute("COMMIT"), execute("INSERT INTO t VALUES (5)"), CLOSE], baton)
    codes = [r.get("error", {}).get("code") for r in late["results"]]
    assert codes == ["TRANSACTION_TIMEOUT", None, "TRANSACTION_TIMEOUT", None, None], late
    assert late["results"][1]["response"]["is_autocommit"] is False
    assert on_ws(4, "INSERT INTO t VALUES (6)") == "TRANSACTION_TIMEOUT"
    assert on_ws(5, "ROLLBACK") == "ok" and on_ws(6, "INSERT INTO t VALUES (7)") == "ok"
    assert client.execute("SELECT a FROM t ORDER BY a") == [[2], [5], [7]]
    assert daemon.stop() == 0


# Rows without end, as far as a test is concerned.
ENDLESS = "SELECT count(*) FROM n a, n b, n c, n d, n e, n f, n g, n h"


def fill_n(client):
    client.execute("CREATE TABLE n(x)")
    client.pipeline([execute("INSERT INTO n VALUES (?)", [i]) for i in range(200)] + [CLOSE])


@test
def a_transaction_times_out_in_mid_statement_too(exe):
    daemon = Daemon(exe, "--transaction-timeout-ms", "500")
    client = Client(daemon)
    fill_n(client)
    began = time.time()
    answer = client.pipeline([execute("BEGIN"), execute(ENDLESS), execute("SELECT 1"), execute("ROLLBACK"),
                              execute("SELECT 2"), CLOSE])
    codes = [r.get("error", {}).get("code") for r in answer["results"]]
    assert codes == [None, "TRANSACTION_TIMEOUT", "TRANSACTION_TIMEOUT", None, None, None], answer
    assert time.time() - began < 10
    assert daemon.stop() == 0


@test
def a_stop_interrupts_what_does_not_end_and_a_lost_client_too(exe):
    daemon = Daemon(exe, "--threads", "1")
    fill_n(Client(daemon))
    client = WebSocket(daemon.port).hello()
    client.call(1, type="open_stream", stream_id=1)
    client.request(2, type="execute", stream_id=1, stmt=stmt(ENDLESS))
    time.sleep(0.3)
    assert Client(daemon).execute("SELECT 1") == [[1]]  # the only worker serves others meanwhile
    client.socket.close()
    wait_for(lambda: daemon.cpu_seconds(0.5) < 0.25)
    thread = threading.Thread(target=lambda: raw(daemon, (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)) + body, timeout=30))
    body = json.dumps({"statements": [ENDLESS]}).encode()
    thread.start()
    time.sleep(0.3)
    began = time.time()
    assert daemon.stop() == 0
    assert 5 < time.time() - began < 20
    thread.join()


@test
def an_idle_stream_expires(exe):
    daemon = Daemon(exe, "--stream-idle-timeout-ms", "300")
    client = Client(daemon)
    baton = client.pipeline([execute("SELECT 1")])["baton"]
    time.sleep(1.5)
    answer = client.request("POST", "/v3/pipeline", {"baton": baton, "requests": []})
    error_of(*answer, code="STREAM_EXPIRED")
    assert daemon.stop() == 0


@test
def after_a_restart_a_baton_says_so(exe):
    daemon = Daemon(exe)
    baton = Client(daemon).pipeline([execute("CREATE TABLE kept(a)"), execute("BEGIN")])["baton"]
    assert daemon.stop() == 0
    daemon.start()
    client = Client(daemon)
    answer = client.request("POST", "/v3/pipeline", {"baton": baton, "requests": []})
    assert "restarted" in error_of(*answer)
    assert client.execute("SELECT count(*) FROM kept") == [[0]]
    assert daemon.stop() == 0


# --- malformed HTTP ------------------------------------------------------------------------------

@test
def shapes_of_request_smuggling_are_refused_and_the_connection_ends(daemon):
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for head in (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
            b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            b"GET /health HTTP/1.1\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
            b"GET /health HTTP/1.1\nHost: x\n\n",
            b"GET /health HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
            b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        answer = raw(daemon, head + smuggled, timeout=3)
        assert answer.startswith(b"HTTP/1.1 400 "), (head, answer)
        assert answer.count(b"HTTP/1.1") == 1 and b"<silence>" not in answer, (head, answer)
        assert b"Connection: close" in answer and b'"code"' in answer


@test
def good_http_of_unusual_form_is_served(daemon):
    body = json.dumps({"statements": ["SELECT 1"]}).encode()
    parts = b"".join(b"%x\r\n%s\r\n" % (1, body[i:i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
    answer = raw(daemon, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                 b"Connection: close\r\n\r\n" + parts)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"[[1]]" in answer, answer
    # Several requests in one segment are answered in order.
    get = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(daemon, get * 5 + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 6 and answer.count(b"saturnd ") == 5
    answer = raw(daemon, b"GET /health HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ") and b"<silence>" not in answer
    connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=5)
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                       % len(body))
    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    connection.close()


@test
def bodies_that_are_no_hrana_are_errors_that_say_where(daemon):
    client = Client(daemon)
    for body, where in (("", ""), ("{", ""), ("[]", "$"), ('{"requests":[{"type":"nosuch"}]}', "$.requests[0]"),
                        ('{"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"integer",'
                         '"value":"x"}]}}]}', "$.requests[0].stmt.args[0]"),
                        ("[" * 100_000, ""), (b'{"requests":[{"type":"sequence","sql":"\xff"}]}', "")):
        for path in ("/v2/pipeline", "/v3/pipeline"):
            answer = client.request("POST", path, body)
            assert answer[0] == 400, (body[:50], answer)
            assert where in error_of(*answer, code="PROTOCOL_ERROR")
    assert client.execute("SELECT 1") == [[1]]


@test
def heads_bodies_and_connections_have_limits(exe):
    daemon = Daemon(exe, "--http-body-max", "64K", "--connections-max", "3")
    answer = raw(daemon, b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20_000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 "), answer[:100]
    answer = raw(daemon, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:100]
    answer = raw(daemon, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                 + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 4)
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:100]
    wait_for(lambda: raw(daemon, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200"))
    time.sleep(0.5)
    held = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(3)]
    time.sleep(0.3)
    answer = raw(daemon, b"")
    assert answer.startswith(b"HTTP/1.1 503 ") and b'"code"' in answer, answer
    held.pop().close()
    wait_for(lambda: raw(daemon, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200"))
    assert daemon.stop() == 0


@test
def a_peer_that_trickles_its_head_is_timed_out(daemon):
    connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=30)
    began = time.time()
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nA: ")
    answer = b""
    connection.settimeout(1)
    while time.time() - began < 25 and not answer:
        try:
            connection.sendall(b"x")
            answer = connection.recv(1000)
        except socket.timeout:
            pass
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert 10 < time.time() - began < 20
    connection.close()


# --- WebSocket -----------------------------------------------------------------------------------

@test
def a_websocket_chooses_the_best_subprotocol_it_speaks(daemon):
    for offer, chosen in (("hrana2, hrana3", "hrana3"), ("hrana1,hrana2", "hrana2"),
                          ("hrana3-protobuf,hrana3,hrana2,hrana1", "hrana3"), ("hrana1", "hrana1")):
        client = WebSocket(daemon.port, offer)
        assert client.status == 101 and f"Sec-WebSocket-Protocol: {chosen}" in client.head, client.head
    client = WebSocket(daemon.port, None)
    assert client.status == 101 and "Sec-WebSocket-Protocol" not in client.head
    assert WebSocket(daemon.port, "hrana3-protobuf, chat").status == 400
    assert WebSocket(daemon.port, path="/dev/other").status == 404
    assert WebSocket(daemon.port, path="/dev/default").status == 101


@test
def requests_may_be_sent_before_their_stream_is_open(daemon):
    client = WebSocket(daemon.port)
    client.send({"type": "hello"})
    client.request(1, type="open_stream", stream_id=7)
    client.request(2, type="store_sql", sql_id=1, sql="SELECT ?")
    client.request(3, type="execute", stream_id=7, stmt={"sql_id": 1, "args": [{"type": "text", "value": "x"}]})
    client.request(4, type="get_autocommit", stream_id=7)
    client.request(5, type="close_sql", sql_id=1)
    client.request(6, type="close_stream", stream_id=7)
    client.request(7, type="open_stream", stream_id=7)
    client.request(8, type="execute", stream_id=99, stmt=stmt("SELECT 1"))
    answers = [client.receive() for _ in range(9)]
    assert answers[0] == {"type": "hello_ok"}
    by_id = {a["request_id"]: a for a in answers[1:]}
    assert [by_id[i]["type"] for i in range(1, 9)] == ["response_ok"] * 7 + ["response_error"], by_id
    assert by_id[3]["response"]["result"]["rows"] == [[{"type": "text", "value": "x"}]]
    assert by_id[4]["response"]["is_autocommit"] is True
    assert by_id[8]["error"]["code"] == "STREAM_NOT_OPEN"
    client.send({"type": "hello"})  # a renewed token: no second hello_ok
    assert client.call(9, type="get_autocommit", stream_id=7)["type"] == "response_ok"


@test
def a_websocket_cursor_is_fetched_ahead(daemon):
    client = WebSocket(daemon.port).hello()
    client.request(1, type="open_stream", stream_id=3)
    client.request(2, type="open_cursor", stream_id=3, cursor_id=8, batch={"steps": [
        {"stmt": stmt("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")}, {"stmt": stmt("SELECT nosuch")}]})
    for i in range(10):
        client.request(10 + i, type="fetch_cursor", cursor_id=8, max_count=2)
    client.request(30, type="close_cursor", cursor_id=8)
    client.request(31, type="fetch_cursor", cursor_id=8, max_count=2)
    client.request(32, type="execute", stream_id=3, stmt=stmt("SELECT 1"))
    by_id = {a["request_id"]: a for a in (client.receive() for _ in range(15))}
    entries = [e["type"] for i in range(10) for e in by_id[10 + i]["response"]["entries"]]
    assert entries == ["step_begin", "row", "row", "row", "step_end", "step_error"], entries
    assert by_id[10]["response"]["done"] is False and by_id[19]["response"] == {
        "type": "fetch_cursor", "entries": [], "done": True}
    assert by_id[31]["error"]["code"] == "CURSOR_NOT_OPEN"
    assert by_id[32]["type"] == "response_ok", by_id[32]


@test
def what_breaks_the_websocket_protocol_is_told_by_the_close_code(daemon):
    def code(send, hello=True):
        client = WebSocket(daemon.port)
        if hello:
            client.hello()
        send(client)
        return client.close_code()

    def twice(client):
        client.call(1, type="open_stream", stream_id=1)
        client.request(2, type="open_stream", stream_id=1)

    def stored_twice(client):
        client.call(1, type="store_sql", sql_id=1, sql="SELECT 1")
        client.request(2, type="store_sql", sql_id=1, sql="SELECT 1")

    assert code(lambda c: c.frame(1, b"{")) == 1007
    assert code(lambda c: c.send({"type": "nosuch"})) == 1007
    assert code(lambda c: c.frame(1, b"\xff\xfe")) == 1007
    assert code(lambda c: c.frame(2, b"{}")) == 1003
    assert code(lambda c: c.request(1, type="open_stream", stream_id=1), hello=False) == 1008
    assert code(twice) == 1008
    assert code(stored_twice) == 1008
    assert code(lambda c: c.frame(8, b"\x03\xe8")) == 1000
    assert code(lambda c: c.frame(1, b"{}", mask=False)) == 1002
    assert code(lambda c: c.frame(3, b"{}")) == 1002
    # Others were not harmed.
    assert Client(daemon).execute("SELECT 1") == [[1]]


@test
def a_lost_websocket_rolls_its_transactions_back(daemon):
    observer = Client(daemon)
    observer.execute("CREATE TABLE lost(a)")
    client = WebSocket(daemon.port).hello()
    client.call(1, type="open_stream", stream_id=1)
    client.call(2, type="execute", stream_id=1, stmt=stmt("BEGIN IMMEDIATE"))
    client.call(3, type="execute", stream_id=1, stmt=stmt("INSERT INTO lost VALUES (1)"))
    client.socket.close()
    observer.execute("INSERT INTO lost VALUES (2)")
    assert observer.execute("SELECT a FROM lost") == [[2]]


@test
def streams_of_one_websocket_do_not_wait_for_each_other(daemon):
    client = WebSocket(daemon.port).hello()
    for i in (1, 2):
        client.call(i, type="open_stream", stream_id=i)
    client.call(3, type="execute", stream_id=1, stmt=stmt("BEGIN IMMEDIATE"))
    client.request(4, type="execute", stream_id=2, stmt=stmt("BEGIN IMMEDIATE"))  # waits for its turn
    client.request(5, type="execute", stream_id=1, stmt=stmt("COMMIT"))
    assert [client.receive()["request_id"] for _ in range(2)] == [5, 4]


@test
def a_websocket_that_does_not_say_hello_is_dropped(daemon):
    client = WebSocket(daemon.port)
    began = time.time()
    client.close_code()
    assert 5 < time.time() - began < 25


# --- stops and reloads ---------------------------------------------------------------------------

@test
def sigterm_lets_what_runs_come_to_its_end(exe):
    daemon = Daemon(exe, "--busy-timeout-ms", "2000")
    client = Client(daemon)
    client.execute("CREATE TABLE t(a)")
    idle = WebSocket(daemon.port).hello()
    idle.call(1, type="open_stream", stream_id=1)
    busy = WebSocket(daemon.port).hello()
    for i in (1, 2):
        busy.call(i, type="open_stream", stream_id=i)
    busy.call(3, type="execute", stream_id=1, stmt=stmt("BEGIN IMMEDIATE"))
    busy.request(4, type="execute", stream_id=2, stmt=stmt("INSERT INTO t VALUES (1)"))
    http = []
    thread = threading.Thread(target=lambda: http.append(
        Client(daemon).pipeline([execute("INSERT INTO t VALUES (2)"), CLOSE])))
    thread.start()
    time.sleep(0.5)
    daemon.process.send_signal(signal.SIGTERM)
    thread.join()
    # Both waited for the writer's turn and were told that they did not get it.
    assert http[0]["results"][0]["error"]["code"] == "SQLITE_BUSY", http
    assert busy.receive()["error"]["code"] == "SQLITE_BUSY"
    assert busy.close_code() == 1001 and idle.close_code() == 1001
    assert daemon.process.wait(20) == 0
    assert os.listdir(daemon.data) == ["default.db"]


@test
def sighup_applies_what_can_be_changed_and_names_what_cannot(exe):
    directory = tempfile.mkdtemp(prefix="saturn-test-")
    path = os.path.join(directory, "saturn.conf")

    def configure(text):
        with open(path, "w") as file:
            file.write(text)

    configure("http_body_max = 1M\n")
    daemon = Daemon(exe, "--config", path)
    client = Client(daemon)
    large = {"statements": ["SELECT 1 -- " + "x" * 4000]}
    assert client.request("POST", "/", large)[0] == 200

    def reload(text):
        configure(text)
        daemon.process.send_signal(signal.SIGHUP)

    reload("http_body_max = 2K\nthreads = 7\n")
    wait_for(lambda: "threads = 7 needs a restart" in daemon.log_text())
    wait_for(lambda: Client(daemon).request("POST", "/", large)[0] == 413)
    reload("http_body_maxx = 1\n")
    wait_for(lambda: "did you mean 'http_body_max'" in daemon.log_text())
    assert Client(daemon).request("GET", "/health")[0] == 200
    assert daemon.stop() == 0


@test
def a_start_that_cannot_be_is_one_line(exe, daemon):
    import subprocess
    for flags, text in ((["--listen", f"127.0.0.1:{daemon.port}"], "cannot listen"),
                        (["--data-dir", "/proc/nosuch"], "/proc/nosuch"),
                        (["--data-dir", daemon.data], "locked"), (["--theads", "1"], "--threads")):
        run = subprocess.run([exe, "--listen", "127.0.0.1:0", "--data-dir", tempfile.mkdtemp(),
                              "--log-level", "off", *flags], capture_output=True, text=True, timeout=20,
                             env=environment())
        assert run.returncode == 1 and text in run.stderr, (flags, run)
        assert run.stderr.count("\n") == 1 and run.stderr.startswith("saturnd: "), run.stderr


def main():
    exe, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    chosen = [t for t in TESTS if not names or any(name in t.__name__ for name in names)]
    daemon = Daemon(exe)
    failures = []
    for one in chosen:
        began = time.time()
        wanted = one.__code__.co_varnames[:one.__code__.co_argcount]
        try:
            one(**{name: {"exe": exe, "daemon": daemon}[name] for name in wanted})
            print(f"ok    {one.__name__} ({time.time() - began:.1f} s)", flush=True)
        except Exception:
            failures.append(one.__name__)
            print(f"FAIL  {one.__name__}\n{traceback.format_exc()}", flush=True)
        if daemon.process.poll() is not None:
            print(f"the daemon has ended with {daemon.process.returncode}:\n{daemon.log_text()}")
            daemon.start()
    if daemon.stop() != 0:
        failures.append("the clean stop")
        print(daemon.log_text())
    print(f"{len(chosen) - len(failures)} of {len(chosen)} passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
