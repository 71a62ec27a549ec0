"""Lists the applications of this host and their flows over XML-RPC.

    python3 examples/python/list_flows.py http://127.0.0.1:PORT DIRECTORY

`mirrorflow host` shows port and directory. The directory has the tokens: host.read.token, and for each application
apps/NAME.read.token. Needs nothing but Python's standard library.
"""
import os
import sys
import xmlrpc.client


def server(url, token_file):
    """A server whose calls carry its token for reading as HTTP password; the user name is free."""
    with open(token_file) as file:
        token = file.read().strip()
    return xmlrpc.client.ServerProxy(url.replace("://", f"://mirrorflow:{token}@") + "/RPC2")


url, directory = sys.argv[1:3]
machine = url.rsplit(":", 1)[0]
for application in server(url, os.path.join(directory, "host.read.token")).host.applications():
    print(application["name"], application["state"])
    if application["state"] != "running":
        continue
    # Every application has an app server, which listens on a port of its own.
    token_file = os.path.join(directory, "apps", f"{application['name']}.read.token")
    app_server = server(f"{machine}:{application['port']}", token_file)
    for flow in app_server.flow.list():
        print("  ", flow["flow"], flow["state"], flow.get("published", 0))
