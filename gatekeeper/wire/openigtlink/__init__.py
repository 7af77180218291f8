"""OpenIGTLink, header versions 1 to 3: bytes to messages and back; no sockets here.

The layout is that of the protocol's own documents (openigtlink.org, protocol version 3) and of its C library: numbers
are big-endian, positions are millimetres, and a body is checked with CRC-64 of ECMA-182.
"""
