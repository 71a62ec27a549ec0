"""A program on the line between two ends of a test: passes their bytes on, cuts, or changes them."""

import socket
import threading


class Line:
    """Listens on a loopback port in front of another one. `change(data, connection)`: of the sender's bytes."""

    def __init__(self, port, change=None):
        self.target = port
        self.change = change
        self.connections = 0
        self.refusing = False
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Ends all connections."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for each in pair:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.refusing = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                near.close()
                continue
            self.connections += 1
            far = socket.create_connection(("127.0.0.1", self.target))
            self.pairs.append((near, far))
            for source, target, change in ((near, far, None), (far, near, self.change)):
                arguments = (source, target, change, self.connections)
                threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _pass(self, source, target, change, connection):
        try:
            while data := source.recv(65536):
                target.sendall(data if change is None else change(data, connection))
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
