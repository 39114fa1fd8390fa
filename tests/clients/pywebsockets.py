#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client by the package websockets of Python; see lines.mjs."""

import asyncio
import sys
from urllib.parse import urlsplit

import websockets
from lines import options, say

LINE_MAX = 4 << 20


async def send(ws, messages):
    for message in messages:
        await ws.send(message)
    lines = asyncio.StreamReader(limit=LINE_MAX)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        await ws.send(line.decode().rstrip("\n"))
    await ws.close(1000)


async def main(args):
    url, where = args.url, {}
    if args.host:
        at = urlsplit(url)
        url = at._replace(netloc=args.host).geturl()
        where = {"host": at.hostname, "port": at.port}
    headers = [header.split(": ", 1) for header in args.headers]
    try:
        ws = await websockets.connect(
            url, extra_headers=headers, origin=args.origin, **where)
    except websockets.InvalidHandshake as why:
        say(f"refused {why}")
        return 1
    sender = asyncio.create_task(send(ws, args.messages))
    try:
        async for message in ws:
            say(message)
    except websockets.ConnectionClosed:
        pass
    sender.cancel()
    say(f"closed {ws.close_code} {ws.close_reason}")
    return 0


sys.exit(asyncio.run(main(options())))
