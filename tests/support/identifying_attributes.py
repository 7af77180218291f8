"""Make DICOM objects in which every identifying element holds a marker that tests can find."""

from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from gatekeeper.sources.dicom.elements import KEYWORDS

MARK, DAY, UID = "SECRETIVE", "19570713", "2.25.195707137771"
CLOCK = "111957.713195"
MARKS = (MARK, DAY, UID, CLOCK, "1957-07-13")
_VALUES = {
    "PN": f"{MARK}^{MARK}",
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS"), MARK),
    "UR": f"http://{MARK}/",
    "DA": DAY,
    "TM": CLOCK,
    "DT": f"{DAY}120000",
    "UI": UID,
}
_NEEDED = {*KEYWORDS, "SOPClassUID", "SpecificCharacterSet", "TransferSyntaxUID"} - {"AcquisitionDate", "ContentDate"}
_WORDS = ("PN", "LO", "SH", "ST", "LT", "UT", "UC")

_NAMES = """
AccessionNumber AcquisitionComments AcquisitionContextSequence AcquisitionDate AcquisitionProtocolDescription
ActualHumanPerformersSequence AdditionalPatientHistory AddressTrial AdmissionID AdmittingDate
AdmittingDiagnosesCodeSequence AdmittingDiagnosesDescription Allergies Arbitrary AuthorObserverSequence
BranchOfService CassetteID CommentsOnThePerformedProcedureStep ConfidentialityConstraintOnPatientDataDescription
ContentCreatorName ContentCreatorIdentificationCodeSequence ContentDate ContentSequence ContrastBolusAgent
ContributionDescription CountryOfResidence CurrentPatientLocation CustodialOrganizationSequence DataSetTrailingPadding
DerivationDescription DetectorID DeviceSerialNumber DeviceUID DigitalSignatureUID DischargeDiagnosisDescription
DistributionAddress DistributionName EthnicGroup FillerOrderNumberImagingServiceRequest FrameComments
FrameOfReferenceUID GantryID GeneratorID GraphicAnnotationSequence HumanPerformerCodeSequence HumanPerformerName
HumanPerformerOrganization IconImageSequence IdentifyingComments ImageComments ImagePresentationComments
ImagingServiceRequestComments Impressions InstanceCreatorUID InstitutionAddress InstitutionCodeSequence
InstitutionName InstitutionalDepartmentName InsurancePlanIdentification
IntendedRecipientsOfResultsIdentificationSequence InterpretationApproverSequence InterpretationAuthor
InterpretationDiagnosisDescription InterpretationIDIssuer InterpretationRecorder InterpretationText
InterpretationTranscriber IssuerOfAdmissionID IssuerOfPatientID IssuerOfServiceEpisodeID MedicalAlerts
MedicalRecordLocator MilitaryRank ModifyingDeviceID ModifyingDeviceManufacturer NameOfPhysiciansReadingStudy
NamesOfIntendedRecipientsOfResults Occupation OperatorIdentificationSequence OperatorsName OrderCallbackPhoneNumber
OrderEnteredBy OrderEntererLocation OtherPatientIDs OtherPatientIDsSequence OtherPatientNames ParticipantSequence
PatientAddress PatientAge PatientBirthDate PatientBirthName PatientBirthTime PatientComments PatientID
PatientInstitutionResidence PatientInsurancePlanCodeSequence PatientMotherBirthName PatientName
PatientPrimaryLanguageCodeSequence PatientReligiousPreference PatientSex PatientSexNeutered PatientSize PatientState
PatientTransportArrangements PatientWeight PerformedLocation PerformedProcedureStepDescription
PerformedProcedureStepID PerformedProcedureStepStartDate PerformedStationAETitle
PerformedStationGeographicLocationCodeSequence PerformedStationName PerformedStationNameCodeSequence
PerformingPhysicianIdentificationSequence PerformingPhysicianName PersonAddress PersonIdentificationCodeSequence
PersonName PersonTelephoneNumbers PhysicianApprovingInterpretation PhysiciansOfRecord
PhysiciansOfRecordIdentificationSequence PhysiciansReadingStudyIdentificationSequence
PlacerOrderNumberImagingServiceRequest PlateID PreMedication PregnancyStatus ProtocolName
ReasonForTheImagingServiceRequest ReasonForStudy ReferringPhysicianAddress ReferringPhysicianIdentificationSequence
ReferringPhysicianName ReferringPhysicianTelephoneNumbers RegionOfResidence RequestAttributesSequence
RequestedContrastAgent RequestedProcedureComments RequestedProcedureDescription RequestedProcedureID
RequestedProcedureLocation RequestingPhysician RequestingService ResponsibleOrganization ResponsiblePerson
ResultsComments ResultsDistributionListSequence ResultsIDIssuer ReviewerName ScheduledHumanPerformersSequence
ScheduledPatientInstitutionResidence ScheduledPerformingPhysicianIdentificationSequence
ScheduledPerformingPhysicianName ScheduledProcedureStepDescription ScheduledProcedureStepLocation
ScheduledStationAETitle ScheduledStationGeographicLocationCodeSequence ScheduledStationName ScheduledStudyLocation
ScheduledStudyLocationAETitle SeriesDate SeriesDescription ServiceEpisodeDescription ServiceEpisodeID SmokingStatus
SourceImageSequence SpecialNeeds StationName StudyComments StudyDate StudyDescription StudyID StudyIDIssuer
StudyInstanceUID TextComments TextString TopicAuthor TopicKeywords TopicSubject TopicTitle UID
VerifyingObserverIdentificationCodeSequence VerifyingObserverName VerifyingObserverSequence VerifyingOrganization
VisitComments
"""
ANNEX_E = tuple(_NAMES.split())
"""Attributes that PS3.15 annex E (table E.1-1) removes or replaces."""


def filled(item):
    """Return an object with every element of the dictionary that can hold words, days or UIDs marked."""
    person = _person()  # one for all sequences, because making it takes longest
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        group = tag >> 16
        if not keyword or keyword in _NEEDED or not 0x0008 <= group < 0x7FE0 or (group == 0x0028 and vr not in _WORDS):
            continue
        if vr in _VALUES:
            item.add_new(tag, vr, _VALUES[vr])
        elif vr == "SQ" and "FunctionalGroups" not in keyword:
            item.add_new(tag, vr, Sequence([person]))
    item.FrameOfReferenceUID = item.SeriesInstanceUID = UID
    item.PatientAge, item.PatientSize, item.PatientWeight = "099Y", "1.957", "195.7"
    for group in (0x0009, 0x0019, 0x0029, 0x2005):
        item.private_block(group, f"{MARK} CREATOR", create=True).add_new(0x01, "LO", MARK)
    item.preamble = MARK.encode().ljust(128, b"\0")
    item.file_meta.SourceApplicationEntityTitle = MARK
    return item


def _person():
    item = Dataset()
    item.PatientName = item.PersonName = item.CodeMeaning = MARK
    item.StudyDate, item.ReferencedSOPInstanceUID = DAY, UID
    return item


def marks_in(data):
    """The marks that some bytes hold, in any of the ways in which text is stored."""
    return [mark for mark in MARKS for code in ("ascii", "utf-16-le", "utf-32-le") if mark.encode(code) in data]
