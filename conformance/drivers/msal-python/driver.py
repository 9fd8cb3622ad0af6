"""A driver for a connector on MSAL for Python: an example to copy.

It speaks the connector protocol on standard input and output, one JSON message a line, and hands
the work to the connector beside it. Guide: conformance/docs/write-a-driver.md.
"""

import json
import sys

import msal
import requests

from connector import CLOUDS, OPERATIONS, WATCHES, Connection, Failure

connections = {}


def answer_to(method, params):
    if method == "initialize":
        return {"protocol": 1, "connector": {"name": "msal-python", "version": msal.__version__, "language": "python"},
                "auth_methods": ["authorization-code", "client-certificate", "client-credentials", "own-app"],
                "environments": list(CLOUDS), "operations": [*OPERATIONS, *WATCHES],
                "features": ["shared-mailbox", "pkce", "public-client"], "max_connections": 100}
    if method in ("connect", "reconnect"):
        connection = Connection(params)
        before = connections.get(params["connection"]) if method == "reconnect" else None
        if before:  # what is watched goes on, and what was refused is to be proved
            connection.watched, connection.claims = before.watched, before.claims
        state = connection.begin()
        connections[params["connection"]] = connection
        return state
    if method == "disconnect":
        connections.pop(params["connection"], None)
    if method in ("disconnect", "settle", "shutdown"):
        return {}
    connection = connections.get(params.get("connection"))
    if connection is None:
        raise Failure("reconnect-required", "there is no such connection")
    if method == "finish-authorization":
        return connection.finish(params)
    if method == "call":
        return {"value": connection.call(params["operation"], params["arguments"])}
    return connection.status()


for line in sys.stdin:
    request = json.loads(line)
    reply = {"jsonrpc": "2.0", "id": request["id"]}
    known = ("initialize", "connect", "reconnect", "finish-authorization", "call", "status", "disconnect",
             "settle", "shutdown")
    try:
        if request["method"] not in known:
            reply["error"] = {"code": -32601, "message": f"no method {request['method']}"}
        else:
            reply["result"] = answer_to(request["method"], request.get("params", {}))
    except Failure as failure:
        reply["error"] = {"code": -32000, "message": str(failure), "data": failure.data}
    except (requests.RequestException, msal.exceptions.MsalError) as error:
        data = {"category": "untrusted" if isinstance(error, requests.exceptions.SSLError) else "unavailable",
                "message": str(error)}
        reply["error"] = {"code": -32000, "message": str(error), "data": data}
    print(json.dumps(reply), flush=True)
    if request["method"] == "shutdown":
        break
