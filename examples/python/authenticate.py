"""Calls a mirrorflow server with the shared secret of the hosts.

    python3 examples/python/authenticate.py http://HOST:7390 SECRET-FILE

Each side proves by an HMAC over random bytes of both that it has the secret, which does not travel.
"""
import hmac, os, struct, sys, xmlrpc.client

def texts(side):
    return b"".join(struct.pack("<I", len(text)) + text for text in (b"mirrorflow", b"rpc", side))

def proof(secret, side, caller, listener):
    return hmac.digest(secret, texts(side) + caller + listener + struct.pack("<I", 0), "sha256")

def connect(url, secret):
    caller = os.urandom(24)
    caller += hmac.digest(secret, texts(b"hint") + caller, "sha256")[:8]  # which of two secrets it has
    answer = xmlrpc.client.ServerProxy(url).system.challenge(caller)
    listener = answer["nonce"].data
    if not hmac.compare_digest(answer["proof"].data, proof(secret, b"listener", caller, listener)):
        raise PermissionError(f"{url} does not know the secret")
    proved = xmlrpc.client.ServerProxy(url).system.authenticate(listener, proof(secret, b"caller", caller, listener))
    return xmlrpc.client.ServerProxy(url.replace("://", f"://mirrorflow:{proved['token']}@"))

if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        server = connect(sys.argv[1], file.read().strip())
    print("\n".join(server.system.listMethods()))
