"""Write exports of MR-linacs after their public descriptions; only tests write such files."""

import struct

import numpy as np

LIBRARY = 2


def dat_frame(image, case, index, **changes):
    """Return a frame of a MRIdian cine; the header names a person in every way there is."""
    plane = case.plane
    seconds = 36000.0 + float(case.times_s[index])
    hours, rest = divmod(seconds, 3600.0)
    minutes, rest = divmod(rest, 60.0)
    tags = {
        "PatientName": "DOE^JANE",
        "PatientID": "12345678",
        "PatientBirthDate": "19700102",
        "Rows": image.shape[0],
        "Columns": image.shape[1],
        "PixelSpacing": "\\".join(map(repr, case.spacing_mm)),
        "ImageOrientationPatient": "\\".join(repr(value) for value in (*plane.col_step, *plane.row_step)),
        "ImagePositionPatient": "\\".join(map(repr, plane.origin_mm)),
        "InstanceNumber": index + 1,
        "AcquisitionTime": f"{int(hours):02d}{int(minutes):02d}{rest:09.6f}",
        **changes,
    }
    header = "".join(f"DICOM.{name} = {value}\n" for name, value in tags.items() if value is not None).encode("ascii")
    pixels = np.ascontiguousarray(image, "<i2").tobytes()
    return struct.pack("<ii", len(header), len(pixels)) + header + pixels


def dat_cine(case, approach=5, title="DOE^JANE"):
    """Return a whole cine in the other family of keywords, with a title and two lengths of zero at the end."""
    plane, (rows, cols) = case.plane, case.frames.shape[1:]
    (row_mm, col_mm), row, col = case.spacing_mm, np.array(plane.row_step), np.array(plane.col_step)
    centre = np.array(plane.origin_mm) + 0.5 * (rows * row_mm * row + cols * col_mm * col)
    whole = b""
    for index in range(-approach, len(case.frames)):
        image = np.full((rows, cols), 9000) if index < 0 else case.frames[index]
        tags = {"CONTROL.AnatomicalSliceNo": 0, "CONTROL.ChronSliceNo": index + approach}
        tags |= {"DICOM.NoOfCols": cols, "DICOM.NoOfRows": rows, "DICOM.PatientName": "DOE^JANE"}
        tags |= {"DICOM.PixelSpacing.0": row_mm, "DICOM.PixelSpacing.1": col_mm}
        vectors = {"ColVec": row, "RowVec": col, "PosVec": centre}
        tags |= {f"DICOM.{name}.{k}": float(three[k]) for name, three in vectors.items() for k in range(3)}
        header = (title + "\n" + "".join(f"{name} = {value}\n" for name, value in tags.items())).encode("ascii")
        pixels = np.ascontiguousarray(image, "<i2").tobytes()
        whole += struct.pack("<ii", len(header), len(pixels)) + header + pixels
    return whole + bytes(8)


def write_dat(folder, case, approach=5, **changes):
    """Write a cine of frames, the first ones the approach to the steady state, in an order of names that is none."""
    folder.mkdir()
    for index in range(-approach, len(case.frames)):
        bright = index < 0
        image = np.full(case.frames.shape[1:], 9000 + index) if bright else case.frames[index]
        moved = (
            {"InstanceNumber": index + approach + 1, "AcquisitionTime": f"0959{59 + index / 10:09.6f}"}
            if bright
            else {}
        )
        content = dat_frame(image, case, max(index, 0), **{"InstanceNumber": index + approach + 1, **moved, **changes})
        (folder / f"Frame{(index * 7) % 101}_{index + approach}.dat").write_bytes(content)
    return folder


def raw_cine(case, approach=5, origin_cm=None, steps_cm=None, count=None):
    """Return a MRIdian cine in one file, whose axes grow to the left, posterior and superior."""
    frames, (rows, cols) = np.asarray(case.frames), case.frames.shape[1:]
    # Axes of the patient along rows and columns; the third has a single pixel.
    row, col = (int(np.argmax(np.abs(step))) for step in (case.plane.row_step, case.plane.col_step))
    sizes, origin, steps = [1, 1, 1], [value / 10 for value in case.plane.origin_mm], [0.7, 0.7, 0.7]
    sizes[row], sizes[col] = rows, cols
    steps[row], steps[col] = (step_mm / 10 for step_mm in case.spacing_mm)
    if case.plane.row_step[row] < 0.0:
        frames = frames[:, ::-1]
        origin[row] = (case.plane.origin_mm[row] - (rows - 1) * case.spacing_mm[0]) / 10
    origin, steps = origin_cm or origin, steps_cm or steps
    head = b"".join(struct.pack("<idd", *axis) for axis in zip(sizes, origin, steps, strict=True))
    first = np.full((approach, rows, cols), 9000)
    whole = np.concatenate([first, frames]).astype("<i2")
    return head + struct.pack("<h", len(whole) if count is None else count) + whole.tobytes()


def _text(value):
    raw, length, out = value.encode(), len(value.encode()), b""
    while length >= 0x80:
        out, length = out + bytes([length & 0x7F | 0x80]), length >> 7
    return out + bytes([length]) + raw


class Net:
    """Writes objects as a .NET program does, by [MS-NRBF]: each class told once, and later ones by its number."""

    def __init__(self):
        self._number = 0
        self._told = {}
        self._later = []

    def stream(self, root):
        """Return a stream whose top object is the root, a dict with `_` as the name of its class."""
        body = struct.pack("<Bi", 12, LIBRARY) + _text("Company.Cine, Version=1.0.0.0")
        body += self._object(root)
        while self._later:
            body += self._later.pop(0)
        return struct.pack("<Biiii", 0, 1, -1, 1, 0) + body + b"\x0b"

    def _next(self):
        self._number += 1
        return self._number

    def _object(self, values):
        number, name = self._next(), values["_"]
        members = {key: value for key, value in values.items() if key != "_"}
        if name in self._told:
            head = struct.pack("<Bii", 1, number, self._told[name])
        else:
            self._told[name] = number
            head = struct.pack("<Bi", 5, number) + _text(name) + struct.pack("<i", len(members))
            head += b"".join(_text(self._member(key)) for key in members)
            kinds, told = zip(*map(self._type, members.values()), strict=True)
            head += bytes(kinds) + b"".join(told) + struct.pack("<i", LIBRARY)
        return head + b"".join(map(self._value, members.values()))

    @staticmethod
    def _member(key):
        return f"<{key}>k__BackingField" if key[0].isupper() else f"_{key}" if key != "m_Item2" else key

    @staticmethod
    def _type(value):
        if isinstance(value, bool):
            return 0, b"\x01"
        if isinstance(value, float):
            return 0, b"\x06"
        if isinstance(value, int):
            return 0, b"\x09" if abs(value) >= 2**31 else b"\x08"
        if isinstance(value, str):
            return 1, b""
        if isinstance(value, bytes):
            return 7, b"\x02"
        if isinstance(value, list):
            return 5, b""
        return 4, _text(value["_"] if value else "Company.Nothing") + struct.pack("<i", LIBRARY)

    def _value(self, value):
        if isinstance(value, bool):
            return bytes([value])
        if isinstance(value, float):
            return struct.pack("<d", value)
        if isinstance(value, int):
            return struct.pack("<q" if abs(value) >= 2**31 else "<i", value)
        if value is None:
            return b"\x0a"
        if isinstance(value, str):
            return struct.pack("<Bi", 6, self._next()) + _text(value)
        if isinstance(value, bytes):
            number = self._next()
            self._later.append(struct.pack("<BiiB", 15, number, len(value), 2) + value)
            return struct.pack("<Bi", 9, number)
        if isinstance(value, list):
            number = self._next()
            items = b"".join(map(self._value, value))
            self._later.append(struct.pack("<Bii", 16, number, len(value) + 3) + items + struct.pack("<BB", 13, 3))
            return struct.pack("<Bi", 9, number)
        return self._object(value)


def _point(name, values):
    return {"_": name, **{axis: float(value) for axis, value in zip("XYZ", values, strict=True)}}


def unity_frame(image, case, index, mask=None, structures=None, **changes):
    """Return a frame of a Unity cine; the object names a person beside the image.

    `mask` is that of one structure, "target"; `structures` are masks of several by name.
    """
    if mask is not None:
        structures = {"target": mask, **(structures or {})}
    plane, (rows, cols) = case.plane, image.shape
    slice_data = {
        "_": "Company.TwoDSlicedata",
        "PatientName": "DOE^JANE",
        "Dimension": {"_": "Company.Dimension", "Columns": cols, "Rows": rows, "Slices": 1},
        "VoxelSize": {
            "_": "Company.VoxelSize",
            "XInmm": float(case.spacing_mm[1]),
            "YInmm": float(case.spacing_mm[0]),
            "ZInmm": 5.0,
        },
        "Orientation": {
            "_": "Company.Orientation",
            "RowDirectionCosines": _point("Company.Vector", plane.col_step),
            "ColumnDirectionCosines": _point("Company.Vector", plane.row_step),
        },
        "Origin": _point("Company.Point", plane.origin_mm),
        "Elapsed100NanosecondInterval": 39 * 10**16 + round(float(case.times_s[index]) * 1e7),
        "Data": np.ascontiguousarray(image, "<u2").tobytes(),
        **changes,
    }
    result = None
    if structures is not None:
        mask = next(iter(structures.values()))
        pairs = [
            {
                "_": "System.Tuple",
                "m_Item1": name,
                "m_Item2": {"_": "Company.Structure", "Data": drawn.astype("<u2").tobytes()},
            }
            for name, drawn in structures.items()
        ]
        items = {"_": "System.Collections.Generic.List", "items": pairs, "size": len(pairs)}
        centre = plane.to_patient_mm(np.argwhere(mask).mean(axis=0)[None], case.spacing_mm)[0]
        result = {
            "_": "Company.MonitoringResult",
            "ResultStructures": items,
            "Centroid": _point("Company.Point", centre),
            "RegistrationQuality": 0.5 + 0.1 * index,
            "Status": {"_": "Company.Status", "value__": index % 3},
        }
    return Net().stream({"_": "Company.Cine", "TwoDSlicedata": slice_data, "MMEMonitoringResult": result})


def write_unity(folder, case, masks=None, **changes):
    """Write a cine of frames, in an order of names that is not that of time."""
    folder.mkdir()
    for index, image in enumerate(case.frames):
        mask = None if masks is None else masks[index]
        (folder / f"{(index * 37) % 101:03d}.bin").write_bytes(unity_frame(image, case, index, mask, **changes))
    return folder
