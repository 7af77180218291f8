"""OpenIGTLink, header versions 1 to 3: from bytes to messages and back, without sockets.

The layout is that of the protocol's own documents (openigtlink.org, protocol version 3) and of its C library: numbers
are big-endian, positions are in mm, and a body is checked with CRC-64 of ECMA-182.
"""
