"""The lease protocol: short-lived permission over TCP, and its reference receiver."""
