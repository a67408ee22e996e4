#!/usr/bin/env python3
"""Reads an HdrHistogram log without HdrHistogram: prints a line a histogram, its tag, the number of its values, and the
upper end of the bucket in which its median lies. A decoder of its own, so that it shows what the encoder does wrong.
usage: hdr_log.py FILE"""
import base64
import struct
import sys
import zlib


def counts_of(payload):
    """The counts of all buckets, from V2 compressed encoding."""
    cookie, size = struct.unpack(">II", payload[:8])
    assert cookie == 0x1C849314 and size == len(payload) - 8, "compressed header"
    content = zlib.decompress(payload[8:])
    cookie, size, shift, digits, lowest, highest, ratio = struct.unpack(">IIIIQQd", content[:40])
    assert (cookie, shift, digits, lowest, ratio) == (0x1C849313, 0, 2, 1, 1.0) and highest >= 2, "header"
    assert size == len(content) - 40, "payload length"
    counts, at = [], 40
    while at < len(content):
        value = 0
        for byte in range(9):
            bits = content[at]
            at += 1
            value |= (bits if byte == 8 else bits & 0x7F) << (7 * byte)
            if byte == 8 or not bits & 0x80:
                break
        value = (value >> 1) ^ -(value & 1)  # ZigZag
        counts += [0] * -value if value < 0 else [value]
    return counts


def upper_end(index):
    """Of a bucket of HdrHistogram with two significant digits: 256 of width 1, then 128 for each power of two."""
    if index < 256:
        return index
    shift = index // 128 - 1
    return ((index - 128 * shift + 1) << shift) - 1


for line in open(sys.argv[1], encoding="ascii"):
    if line[0] in '#"':
        continue
    fields = line.rstrip("\n").split(",")
    tag = fields.pop(0)[len("Tag=") :] if fields[0].startswith("Tag=") else "-"
    assert len(fields) == 4 and float(fields[0]) > 1e9 and float(fields[1]) > 0, line
    counts = counts_of(base64.b64decode(fields[3], validate=True))
    total, seen, index = sum(counts), 0, 0
    while seen + counts[index] < (total + 1) // 2:
        seen += counts[index]
        index += 1
    print(tag, total, upper_end(index))
