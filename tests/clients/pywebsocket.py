#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client by the package websocket-client of Python; see lines.mjs."""

import sys
import threading

import websocket
from lines import options, say

args = options()
opened = False


def send(ws):
    for message in args.messages:
        ws.send(message)
    for line in sys.stdin.buffer:
        ws.send(line.decode().rstrip("\n"))
    ws.sock.send_close(1000)  # close() keeps the answer to itself


def on_open(ws):
    global opened
    opened = True
    threading.Thread(target=send, args=[ws], daemon=True).start()


def on_error(_, error):
    say(f"{'error' if opened else 'refused'} {error}")


def on_close(_, code, reason):
    if opened:
        say(f"closed {code} {reason}")


app = websocket.WebSocketApp(
    args.url, header=args.headers, on_open=on_open, on_error=on_error,
    on_message=lambda _, message: say(message), on_close=on_close)
# Without an Origin it sends the URL as one, which is not that of another Host.
app.run_forever(host=args.host, origin=args.origin,
                suppress_origin=args.host is not None)
sys.exit(0 if opened else 1)
