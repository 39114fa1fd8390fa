# SPDX-License-Identifier: MIT
"""What the clients in Python have in common; lines.mjs says what they do."""

import argparse
import sys


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", dest="url", required=True)
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-o", dest="origin")
    parser.add_argument("--host")
    parser.add_argument("-x", dest="messages", action="append", default=[])
    return parser.parse_args()


def say(text):
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()
