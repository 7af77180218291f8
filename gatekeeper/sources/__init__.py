"""Live frames from MRD, OpenIGTLink and DICOM senders."""
