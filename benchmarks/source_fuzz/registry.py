"""List the fuzzed protocols by name; new sources are added here."""

from benchmarks.source_fuzz.dicom import DicomWire
from benchmarks.source_fuzz.mrd import MrdWire
from benchmarks.source_fuzz.openigtlink import OpenIGTLinkWire
from benchmarks.source_fuzz.wires import Wire

WIRES: dict[str, Wire] = {"dicom": DicomWire(), "mrd": MrdWire(), "openigtlink": OpenIGTLinkWire()}
