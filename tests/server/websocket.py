"""A WebSocket client for the tests beside this file: small, and willing to send what is wrong."""
import base64
import json
import os
import socket
import struct


class Closed(Exception):
    """The server has closed: `code` and `reason` of its close frame, or None without one."""

    def __init__(self, code, reason=""):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class WebSocket:
    def __init__(self, port, subprotocols="hrana3", path="/", headers=""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Protocol: {subprotocols}\r\n" if subprotocols else ""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}{headers}\r\n".encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        self.status = int(self.head.split()[1])

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed(None)
        self.buffer += data

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def frame(self, opcode, payload, fin=True, mask=True):
        size = len(payload)
        head = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if mask else 0
        if size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", size)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", size)
        if mask:
            key = os.urandom(4)
            head += key
            payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(head + payload)

    def send(self, *messages):
        for message in messages:
            self.frame(1, json.dumps(message).encode())

    def receive(self):
        """The next message; raises Closed on a close frame or the end."""
        first, second = self._take(2)
        size = second & 0x7f
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        payload = self._take(size)
        opcode = first & 0x0f
        if opcode == 8:
            code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
            raise Closed(code, payload[2:].decode())
        if opcode in (9, 10):
            return self.receive()
        return json.loads(payload)

    def hello(self):
        self.send({"type": "hello", "jwt": None})
        assert self.receive() == {"type": "hello_ok"}
        return self

    def request(self, request_id, **request):
        self.send({"type": "request", "request_id": request_id, "request": request})

    def call(self, request_id, **request):
        self.request(request_id, **request)
        answer = self.receive()
        assert answer["request_id"] == request_id, answer
        return answer

    def close_code(self):
        """The code that the server closes with."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed.code
