"""The lease: short-lived permission over TCP, and its reference receiver."""
