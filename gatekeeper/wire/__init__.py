"""Network protocols: connections, messages with a size limit and a deadline, MRD and OpenIGTLink codecs."""
