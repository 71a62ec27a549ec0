"""Lists the applications of this host and their flows over XML-RPC.

    python3 examples/python/list_flows.py http://127.0.0.1:PORT TOKEN-FILE

PORT is the one that `mirrorflow host` shows; TOKEN-FILE is the file `token` in the directory that it
shows. Needs nothing but Python's standard library.
"""
import sys
import xmlrpc.client


def server(url, token):
    """A server whose calls carry the machine's token as HTTP password; the user name is free."""
    return xmlrpc.client.ServerProxy(url.replace("://", f"://mirrorflow:{token}@") + "/RPC2")


url, token_file = sys.argv[1:3]
with open(token_file) as file:
    token = file.read().strip()
machine = url.rsplit(":", 1)[0]
for application in server(url, token).host.applications():
    print(application["name"], application["state"])
    if application["state"] != "running":
        continue
    # Every application has an app server, which listens on a port of its own.
    app_server = server(f"{machine}:{application['port']}", token)
    for flow in app_server.flow.list():
        print("  ", flow["flow"], flow["state"], flow.get("published", 0))
