"""Define each argument and option of the command line once, with its help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

CaseArg = Annotated[
    Path,
    typer.Argument(
        help="File or folder of a recording, or folder of a session; see docs/reference/recording-formats.md.",
        metavar="CASE",
    ),
]
SessionArg = Annotated[Path, typer.Argument(help="Folder of a session.", metavar="SESSION_DIR")]
HeadOption = Annotated[
    str | None, typer.Option(help="Hash of the last line of the journal, as kept elsewhere.", metavar="HASH")
]
TrustedOption = Annotated[
    Path | None,
    typer.Option(
        "--trusted",
        help="Public keys that may have signed: a file in PEM, or a folder of such files.",
        metavar="KEYS",
        show_default="any key",
    ),
]
SealOption = Annotated[
    Path | None,
    typer.Option("--seal", help="Seal of the session, as kept elsewhere.", metavar="F.seal.json"),
]
InterlockOption = Annotated[
    Path | None,
    typer.Option("--interlock", help="Log of the interlock, to compare beam-on times with.", metavar="LOG"),
]
NewCaseArg = Annotated[Path, typer.Argument(help="Folder for the case, new or empty.", metavar="OUT_DIR")]
ConfigOption = Annotated[Path | None, typer.Option(help="TOML file with settings.", metavar="F.toml")]
SpeedOption = Annotated[
    str, typer.Option(help="A multiple of real time, or max for as fast as possible.", metavar="max|1.0")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the session, new or empty.", metavar="DIR", show_default="sessions/<case>-<UTC time>"
    ),
]
TruthOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Where a structure was on each frame, for the scores: a label image of all frames, or the truth.json of a "
        "phantom, which alone is that of all structures it names. May be repeated.",
        metavar="[NAME=]FILE[:VALUE]",
    ),
]
OverlapOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Limit of an organ at risk: share or area in its keep-out zone (2%, 20mm2), or distance by which it may "
        "come nearer (3mm); may be repeated.",
        metavar="NAME=LIMIT",
    ),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="Target: a mask of the first frame or in space, a DICOM Segmentation, or an RT Structure Set; REGION is "
        "its region, segment or value. May be repeated; the first is the primary target.",
        metavar="[NAME=]FILE[:REGION]",
        show_default="as the recording has it",
    ),
]
OarOption = Annotated[
    list[str] | None,
    typer.Option("--oar", help="Organ at risk, named like a target; may be repeated.", metavar="[NAME=]FILE[:REGION]"),
]
ZoneOption = Annotated[
    list[str] | None,
    typer.Option(
        "--zone",
        help="Envelope of a target, such as the PTV, or keep-out zone of an organ at risk, as a region; may be "
        "repeated.",
        metavar="NAME=FILE[:REGION]",
    ),
]
OptionalOption = Annotated[
    list[str] | None,
    typer.Option(
        "--optional",
        help="Structure without which the session may begin, with a note; may be repeated.",
        metavar="NAME",
    ),
]
RoiOption = Annotated[
    list[str] | None,
    typer.Option(
        "--roi",
        help="Region of the structure set, segment, mask value, or own structure of the recording; may be repeated.",
        metavar="NAME",
    ),
]
PictureOption = Annotated[
    bool,
    typer.Option("--picture/--no-picture", help="Draw overview.png into the session; without it a replay ends sooner."),
]
ReportOption = Annotated[bool, typer.Option("--report", help="Also write report.html into the session.")]
ReportOutOption = Annotated[
    Path | None,
    typer.Option("--out", help="File of the report.", metavar="F.html", show_default="report.html in the session"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of standard output.")]

MarksOption = Annotated[
    Path | None,
    typer.Option(help="Durations of steps measured elsewhere: label,course,fraction,step,minutes.", metavar="F.csv"),
]

TrackerOption = Annotated[
    str | None,
    typer.Option(
        "--tracker",
        help="Tracker: a name that `gatekeeper info --plugins` lists, or module:object.",
        metavar="NAME",
        show_default="as the settings or the session say",
    ),
]
PreviewOption = Annotated[
    float,
    typer.Option(
        help="Length of the preview at the start of the case, in seconds; the rest is played.",
        metavar="S",
        min=0.0,
        show_default="0: none",
    ),
]
ReferenceFrameOption = Annotated[
    int | None,
    typer.Option(
        "--reference-frame",
        help="Frame that becomes the reference once it was tracked, with the target carried over; the envelope stays. "
        "Without --confirm only its picture is drawn.",
        metavar="N",
        min=0,
        show_default="that of the case",
    ),
]
ConfirmOption = Annotated[
    bool, typer.Option("--confirm", help="Use that frame: its picture, reference-N.png, has been looked at.")
]
ScanOption = Annotated[
    str | None, typer.Option(help="One of several scans or series, by its listed name.", metavar="NAME")
]
ObserverOption = Annotated[
    str | None, typer.Option(help="Observer of the outlines, by the listed name.", metavar="NAME")
]
TimeAxisOption = Annotated[
    Literal["first", "last"] | None,
    typer.Option(help="Time axis of an image stack, in the order of its header.", metavar="first|last"),
]
AsStoredOption = Annotated[
    bool,
    typer.Option(
        "--as-stored",
        help="Assume that stored rows run superior to inferior and columns anterior to posterior; with --plane coronal "
        "or axial, as in canonical images of that plane.",
    ),
]
RateOption = Annotated[
    float | None,
    typer.Option("--rate-hz", help="Frames per second, whatever the files say.", metavar="HZ", min=0.01, max=1000.0),
]
LatencyOption = Annotated[
    float | None,
    typer.Option(
        "--latency-ms",
        help="Time from a frame's acquisition until the beam is on or off, which a prediction looks ahead, in ms; by "
        "default that of the settings.",
        metavar="MS",
        min=0.0,
        max=1000.0,
    ),
]
ResampleOption = Annotated[
    float | None,
    typer.Option(
        "--resample",
        help="Bring the recording to this even rate, by the nearest frame at each time.",
        metavar="HZ",
        min=0.01,
        max=1000.0,
    ),
]
SpacingOption = Annotated[
    str | None,
    typer.Option(
        "--spacing-mm",
        help="Distance of pixel centres along stored rows and columns in mm, whatever the files say.",
        metavar="ROW[,COL]",
    ),
]
PlaneOption = Annotated[
    str | None,
    typer.Option(
        "--plane",
        help="sagittal, coronal or axial: which of several planes, or that of images that do not tell it. Or where "
        "stored rows and columns run, whatever the files say: two letters of S I A P L R, such as IP, or nine numbers, "
        "the first pixel in LPS mm and the two unit vectors.",
        metavar="PLANE|ROWS+COLS",
    ),
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Fault injected into the frames, may be repeated: NAME@START[+FRAMES][~CHANCE]"
        "[=AMOUNT], for example nan@40+5 or drop@100+3.",
        metavar="FAULT",
    ),
]
ConsoleOption = Annotated[bool, typer.Option("--console", help="Show the session on a web page.")]
ConsoleHostOption = Annotated[
    str | None,
    typer.Option(
        help="Address of the page; other than on this machine it needs a token.",
        metavar="HOST",
        show_default="127.0.0.1",
    ),
]
ConsolePortOption = Annotated[
    int | None, typer.Option(help="Port of the page.", metavar="PORT", min=0, max=65535, show_default="0: a free one")
]
ControlOption = Annotated[
    bool, typer.Option("--control", help="Let holders of the token arm, hold and draw on the page.")
]
PrescribedOption = Annotated[
    float | None,
    typer.Option(
        help="Prescribed beam-on time in seconds, to show the time remaining.", metavar="S", min=1.0, max=86400.0
    ),
]
BreathHoldOption = Annotated[
    float | None,
    typer.Option(
        help="Length of a breath-hold in seconds, for the countdown of the patient.",
        metavar="S",
        min=1.0,
        max=120.0,
        show_default="20",
    ),
]
ListenOption = Annotated[str, typer.Option(help="Address to listen on; port 0 takes a free one.", metavar="HOST:PORT")]
KeyOption = Annotated[
    Path, typer.Option(help="File of the shared key, at least 32 bytes, readable by its owner only.", metavar="F")
]
LongestOption = Annotated[
    int, typer.Option(help="Longest lease that is granted, in ms.", metavar="MS", min=1, max=10_000)
]
JsonLinesOption = Annotated[bool, typer.Option("--json", help="Print every event as one JSON object per line.")]

SessionFileArg = Annotated[Path, typer.Argument(help="Settings of the session.", metavar="SESSION.toml")]
FeedCaseArg = Annotated[
    str,
    typer.Argument(help="A recording, or `phantom` for a synthetic one.", metavar="CASE|phantom"),
]
ToOption = Annotated[
    str,
    typer.Option(
        help="Destination: mrd://HOST:PORT, dicom://AE@HOST:PORT or igtl://HOST:PORT (?listen: the source connects to "
        "us; ?version=1: for receivers that know no other header of OpenIGTLink; both with &).",
        metavar="ADDRESS",
    ),
]
PaceOption = Annotated[
    float, typer.Option(help="A multiple of real time.", metavar="X", min=0.01, max=100.0, show_default="1")
]
AgainOption = Annotated[
    bool,
    typer.Option(
        "--loop",
        help="Repeat from the first frame after the last, until Ctrl-C. A live session holds frames that come back "
        "(`not_live`); with --noise they are new.",
    ),
]
NoiseOption = Annotated[
    float,
    typer.Option(
        "--noise",
        help="Add new noise to each frame; its standard deviation as a share of the brightness, for example 0.05.",
        metavar="SHARE",
        min=0.0,
        max=1.0,
    ),
]
SecondsOption = Annotated[
    float | None,
    typer.Option(help="Send only so many seconds of the recording.", metavar="S", min=0.0, show_default="all"),
]
PlaceArg = Annotated[
    Path, typer.Argument(help="Folder of a running session, or its control socket.", metavar="SESSION_DIR|SOCKET")
]
WordsArg = Annotated[
    list[str],
    typer.Argument(
        help="arm, disarm, hold, release, reset, rebase MM MM (along the axes of the images, such as SI AP; superior, "
        "posterior and left positive), reference, end "
        "or status.",
        metavar="ACTION",
    ),
]
OperatorOption = Annotated[
    str | None, typer.Option("--operator", help="Name of the operator.", metavar="NAME", show_default="the login name")
]
