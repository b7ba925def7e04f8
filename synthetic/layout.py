"""How each feed is laid out and sent: official headers in contract order, supplier, domain, rhythm and file format.

The headers are those of `data_contracts/`; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PSEUDONYM_DOMAIN = "south_somerset"
COMMUNITY_DOMAIN, MENTAL_HEALTH_DOMAIN = "csds_person_id", "mhsds_person_id"
PERIOD = "__period"  # helper columns of every frame: position of the delivery's period ...
KIND = "__kind"  # ... and whom the row's identifier leads to (kinds of `truth`)
REGISTER = ("patient_register", "person_merger", "person_bridge")  # snapshots about people, not care


Rhythm = Literal["month", "quarter", "snapshot"]
Form = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Feed:
    """One feed as its supplier sends it.

    Attributes:
        domain: in which its pseudonyms are issued; one feed uses an older one at first (`domains`).
    """

    name: str
    supplier: str
    rhythm: Rhythm
    file_stem: str
    columns: tuple[str, ...]
    pseudonym: str
    format: Form = "csv"
    domain: str = PSEUDONYM_DOMAIN
    contract_version: str = "1.0.0"

    @property
    def stream(self) -> str:
        """The feed, and its supplier where it has several."""
        return f"{self.name} {self.supplier}" if self.name == "person_bridge" else self.name


def _feed(
    name: str,
    supplier: str,
    rhythm: Rhythm,
    file_stem: str,
    columns: str,
    *,
    pseudonym: str,
    form: Form = "csv",
    domain: str = PSEUDONYM_DOMAIN,
    version: str = "1.0.0",
) -> Feed:
    return Feed(name, supplier, rhythm, file_stem, tuple(columns.split("|")), pseudonym, form, domain, version)


_ACUTE_PERSON = "Sex|Der_Age_at_CDS_Activity_Date|Der_Postcode_LSOA_2011_Code|GP_Practice_Code|Grand_Total_Payment_MFF"
_PSEUDO = "Der_Pseudo_NHS_Number"

# Every feed by its suppliers; those with one supplier go by the name of the feed.
STREAMS: dict[str, Feed] = {
    feed.stream: feed
    for feed in (
        _feed(
            "patient_register",
            "PDS",
            "snapshot",
            "PDS_REGISTER",
            "Pseudo NHS Number|YearMonth_Of_Birth|Gender|Ethnic_Category|YearMonth_Of_Death|Primary Care Provider|"
            "Practice_From_Date|Practice_To_Date|derCurrentyr2021LSOAofResidence_FromPostcode|IMD_Decile",
            pseudonym="Pseudo NHS Number",
        ),
        _feed(
            "person_merger",
            "PDS",
            "snapshot",
            "PDS_MERGER",
            "Pseudo NHS Number|Pseudo Superseded NHS Number|Merge_Date|Merger_Event",
            pseudonym="Pseudo NHS Number",
            version="2.0.0",
        ),
        *(
            _feed(
                "person_bridge",
                supplier,
                "snapshot",
                "BRIDGING",
                "Bridged_Domain|Person_ID|Pseudo_NHS_Number|Bridge_From_Date|Bridge_To_Date",
                pseudonym="Pseudo_NHS_Number",
            )
            for supplier in ("RH5", "905", "SUS")
        ),
        _feed(
            "apc_spell",
            "SUS",
            "month",
            "APCS",
            f"APCS_Ident|{_PSEUDO}|Der_Provider_Code|Admission_Date|Discharge_Date|Admission_Method|Patient_Classification|"
            "Source_of_Admission|Discharge_Method|Discharge_Destination|Der_Spell_LoS|Der_Admit_Treatment_Function_Code|"
            "Spell_Core_HRG_SUS|Der_Diagnosis_All|Sex|Ethnic_Group|Der_Age_at_CDS_Activity_Date|Der_Postcode_LSOA_2011_Code|"
            "GP_Practice_Code|Grand_Total_Payment_MFF|Spell_PbR_CC_Days|Spell_PbR_Adj_LoS|Best_Practice_Tariff_Flag",
            pseudonym=_PSEUDO,
        ),
        _feed(
            "op_attendance",
            "SUS",
            "month",
            "OPA",
            f"OPA_Ident|{_PSEUDO}|Der_Provider_Code|Appointment_Date|Attendance_Status|First_Attendance|Consultation_Medium_Used|"
            f"Treatment_Function_Code|HRG_Code|Outcome_of_Attendance|{_ACUTE_PERSON}|Multi_Professional_Indicator",
            pseudonym=_PSEUDO,
        ),
        _feed(
            "ec_attendance",
            "SUS",
            "month",
            "ECDS",
            f"EC_Ident|{_PSEUDO}|Der_Provider_Code|Arrival_Date|Arrival_Time|EC_Department_Type|EC_AttendanceCategory|"
            f"EC_Chief_Complaint_SNOMED_CT|EC_Diagnosis_01|Discharge_Destination_SNOMED_CT|SUS_HRG_Code|{_ACUTE_PERSON}|"
            "Ambulance_Incident_Number",
            pseudonym=_PSEUDO,
        ),
        _feed(
            "gp_appointment",
            "OLIDS",
            "month",
            "APPOINTMENT",
            "ID|SK_PATIENT_ID|ORGANISATION_CODE|START_DATE|APPOINTMENT_STATUS_CODE|NATIONAL_SLOT_CATEGORY_NAME|CONTACT_MODE_CODE|"
            "SDS_ROLE_GROUP|ACTUAL_DURATION",
            pseudonym="SK_PATIENT_ID",
            form="parquet",
        ),
        _feed(
            "gp_coded_event",
            "OLIDS",
            "month",
            "GDPPR",
            "NHS_NUMBER_DEID|PRACTICE|DATE|RECORD_DATE|CODE",
            pseudonym="NHS_NUMBER_DEID",
        ),
        _feed(
            "gp_prescription",
            "NHSBSA",
            "month",
            "EPD",
            "dmicPseudoNHSNumber|CostCentreODSCode|ProcessingPeriodDate|PaidBNFCode|ItemCount|PaidQuantity|ItemActualCost|"
            "ItemNIC|NotDispensedIndicator|PaidIndicator|PrivatePrescriptionIndicator",
            pseudonym="dmicPseudoNHSNumber",
        ),
        _feed(
            "community_contact",
            "RH5",
            "month",
            "CYP201",
            "Unique_CareContactID|Unique_ServiceRequestID|Pseudo_NHS_Number|OrgID_Provider|Contact_Date|CareContact_Duration|"
            "AttendanceStatus|ConsMechanism|Activity_LocationType|TeamType|Gender|AgeYr_Contact_Date",
            pseudonym="Pseudo_NHS_Number",
            form="parquet",
            domain=COMMUNITY_DOMAIN,
        ),
        _feed(
            "mh_contact",
            "RH5",
            "month",
            "MHS201",
            "UniqCareContID|UniqServReqID|Pseudo_NHS_Number|OrgIDProv|UniqMonthID|CareContDate|ClinContDurOfCareCont|AttendStatus|"
            "ConsMechanismMH|ServTeamTypeMH|Gender|AgeServReferRecDate",
            pseudonym="Pseudo_NHS_Number",
            form="parquet",
            domain=MENTAL_HEALTH_DOMAIN,
        ),
        _feed(
            "mh_ward_stay",
            "RH5",
            "month",
            "MHS502",
            "UniqWardStayID|UniqHospProvSpellID|Pseudo_NHS_Number|OrgIDProv|UniqMonthID|StartDateWardStay|EndDateWardStay|"
            "MHAdmittedPatientClass|Gender|AgeServReferRecDate",
            pseudonym="Pseudo_NHS_Number",
            domain=MENTAL_HEALTH_DOMAIN,
        ),
        _feed(
            "mh_diagnosis",
            "RH5",
            "month",
            "MHS604",
            "Pseudo_NHS_Number|OrgIDProv|UniqServReqID|UniqMonthID|DiagSchemeInUse|PrimDiag|CodedDiagTimestamp",
            pseudonym="Pseudo_NHS_Number",
            domain=MENTAL_HEALTH_DOMAIN,
        ),
        _feed(
            "social_care_event",
            "905",
            "quarter",
            "CLD",
            "LA Code|Pseudo NHS Number|LA Person Unique Identifier|Event Type|Event Reference|Event Start Date|"
            "Event End Date|Client Type|Primary Support Reason|Service Type|Service Component|"
            "Delivery Mechanism|Unit Cost|Cost Frequency (Unit Type)|Planned units per week|Gender|Ethnicity|"
            "Full cost client|Client Contribution",
            pseudonym="Pseudo NHS Number",
        ),
        _feed(
            "continuing_care_package",
            "QSL",
            "month",
            "AACC",
            "Package Identifier|Pseudo NHS Number|ICB Code|Package Type|Package Start Date|Package End Date|"
            "Weekly Cost|Subjective Code",
            pseudonym="Pseudo NHS Number",
        ),
        _feed(
            "ambulance_incident",
            "RYF",
            "month",
            "ADS",
            "Call Identifier|Care Contact Identifier|Incident Number|Pseudo NHS Number|Provider Code|"
            "Time Call Connected|Response Category|Treatment Type",
            pseudonym="Pseudo NHS Number",
        ),
    )
}
FEEDS: dict[str, Feed] = {feed.name: feed for feed in STREAMS.values()}
