"""DICOM C-STORE as a live source."""
