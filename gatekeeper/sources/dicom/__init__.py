"""DICOM source: MR images received by C-STORE."""
