"""The catalogue of row faults: for each feed, the rules that a planted row breaks, and how.

Each fault breaks one rule of the contract and no other (a sentinel in the date of the period also falls outside it,
but breaks `minimum` first). Text faults need a text format; Parquet files carry only what their types can hold.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.periods import Period

Value = str | int | dt.date | None
SENTINELS = ("1800-01-01", "1582-10-15")
_NO_DATES = ("31/04/2023", "2023-02-30", "15/06/2023")
_NO_INTEGERS = ("1.6", "1e3", "n/a")
_NO_MONEY = ("12.345", "n/a", "1.234,50")
_NO_SNOMED = ("2.3E+08", "44054006.0")


@dataclass(frozen=True)
class Fault:
    """One way to spoil a row: the rule it breaks, the column changed, the new values, and the rows that qualify."""

    rule: str
    column: str
    values: tuple[Value, ...] | Callable[[pl.DataFrame, Period], list[Value]]
    eligible: Callable[[Period], pl.Expr] | None = None

    def qualifies(self, rows: pl.DataFrame, period: Period) -> np.ndarray:
        """Which rows this fault can be planted on without breaking another rule."""
        if self.eligible is None:
            return np.ones(rows.height, bool)
        return rows.select(self.eligible(period).fill_null(False)).to_series().to_numpy()

    def spoil(self, rows: pl.DataFrame, period: Period) -> list[Value]:
        """The new values of the column for these rows."""
        if callable(self.values):
            return self.values(rows, period)
        return [self.values[i % len(self.values)] for i in range(rows.height)]


def _shifted(column: str, days: int) -> Callable[[pl.DataFrame, Period], list[Value]]:
    """A date some days from that in another column, as ISO text."""
    return lambda rows, _: [f"{day + dt.timedelta(days=days)}" for day in rows[column]]


def _after_period(rows: pl.DataFrame, period: Period) -> list[Value]:
    return [f"{period.end_date + dt.timedelta(days=40 + i % 300)}" for i in range(rows.height)]


def _typed_after_period(rows: pl.DataFrame, period: Period) -> list[Value]:
    return [period.end_date + dt.timedelta(days=40 + i % 300) for i in range(rows.height)]


def _required(feed: str, **columns: str) -> list[Fault]:
    return [Fault(f"{feed}.{name}.required", header, (None,)) for name, header in columns.items()]


def _acute(feed: str, date: str, header: str, hrg: str) -> list[Fault]:
    """Faults that the outpatient and emergency feeds share."""
    return [
        Fault(f"{feed}.{date}.type", header, _NO_DATES),
        Fault(f"{feed}.{date}.minimum", header, SENTINELS),
        Fault(f"{feed}.outside_period", header, _after_period),
        Fault(f"{feed}.age_years.type", "Der_Age_at_CDS_Activity_Date", _NO_INTEGERS),
        Fault(f"{feed}.age_years.maximum", "Der_Age_at_CDS_Activity_Date", ("7001", "150")),
        Fault(f"{feed}.hrg_code.pattern", hrg, ("WF1", "-", "VB9")),
        Fault(f"{feed}.lsoa_code.pattern", "Der_Postcode_LSOA_2011_Code", ("E0102921",)),
        Fault(f"{feed}.submitted_price.type", "Grand_Total_Payment_MFF", _NO_MONEY),
        Fault(f"{feed}.submitted_price.minimum", "Grand_Total_Payment_MFF", ("-120.00",)),
    ]


def _contacts(feed: str, date_header: str, minutes: str, mechanism: str) -> list[Fault]:
    """Faults of the two contact feeds, which come as Parquet."""
    return [
        Fault(f"{feed}.contact_date.required", date_header, (None,)),
        Fault(f"{feed}.contact_date.minimum", date_header, (dt.date(1800, 1, 1), dt.date(1582, 10, 15))),
        Fault(f"{feed}.outside_period", date_header, _typed_after_period),
        Fault(f"{feed}.duration_minutes.minimum", minutes, (-5,)),
        Fault(f"{feed}.duration_minutes.maximum", minutes, (9999,)),
        Fault(f"{feed}.consultation_mechanism_code.enum", mechanism, ("3", "99")),
    ]


FAULTS: dict[str, list[Fault]] = {
    "patient_register": [
        *_required(
            "patient_register",
            pseudonym="Pseudo NHS Number",
            practice_code="Primary Care Provider",
            registered_from="Practice_From_Date",
            birth_month="YearMonth_Of_Birth",
        ),
        Fault("patient_register.birth_month.pattern", "YearMonth_Of_Birth", ("1956-13", "56-01")),
        Fault("patient_register.sex_code.enum", "Gender", ("M", "3")),
        Fault("patient_register.registered_from.type", "Practice_From_Date", _NO_DATES),
        Fault("patient_register.registered_from.minimum", "Practice_From_Date", SENTINELS),
        Fault("patient_register.deprivation_decile.type", "IMD_Decile", _NO_INTEGERS),
        Fault("patient_register.deprivation_decile.maximum", "IMD_Decile", ("11",)),
        Fault(
            "patient_register.registration_ends_before_it_starts",
            "Practice_To_Date",
            _shifted("Practice_From_Date", -10),
        ),
        Fault("patient_register.dies_before_birth", "YearMonth_Of_Death", ("1880-01",)),
    ],
    "person_merger": [
        *_required("person_merger", superseded_pseudonym="Pseudo Superseded NHS Number", merged_on="Merge_Date"),
        Fault("person_merger.merged_on.type", "Merge_Date", _NO_DATES),
        Fault("person_merger.merged_on.minimum", "Merge_Date", SENTINELS),
        Fault(
            "person_merger.merged_with_itself",
            "Pseudo Superseded NHS Number",
            lambda rows, _: rows["Pseudo NHS Number"].to_list(),
        ),
    ],
    "apc_spell": [
        *_required(
            "apc_spell", spell_id="APCS_Ident", provider_code="Der_Provider_Code", discharge_date="Discharge_Date"
        ),
        Fault("apc_spell.admission_date.type", "Admission_Date", _NO_DATES),
        Fault("apc_spell.admission_date.minimum", "Admission_Date", SENTINELS),
        Fault("apc_spell.discharge_date.type", "Discharge_Date", _NO_DATES),
        Fault("apc_spell.admission_method_code.enum", "Admission_Method", ("1A", "77")),
        Fault("apc_spell.patient_classification_code.enum", "Patient_Classification", ("8",)),
        Fault("apc_spell.length_of_stay_days.type", "Der_Spell_LoS", _NO_INTEGERS),
        Fault("apc_spell.length_of_stay_days.minimum", "Der_Spell_LoS", ("-3", "-1")),
        Fault("apc_spell.treatment_function_code.pattern", "Der_Admit_Treatment_Function_Code", ("&", "30")),
        Fault("apc_spell.hrg_code.pattern", "Spell_Core_HRG_SUS", ("UZ1", "EB3")),
        Fault("apc_spell.icd10_codes.pattern", "Der_Diagnosis_All", ("||heart failure", "||I50;E11")),
        Fault("apc_spell.age_years.type", "Der_Age_at_CDS_Activity_Date", _NO_INTEGERS),
        Fault("apc_spell.submitted_price.type", "Grand_Total_Payment_MFF", _NO_MONEY),
        Fault("apc_spell.submitted_price.minimum", "Grand_Total_Payment_MFF", ("-950.00",)),
        Fault("apc_spell.discharged_before_admitted", "Admission_Date", _shifted("Discharge_Date", 3)),
        Fault("apc_spell.outside_period", "Discharge_Date", _after_period),
    ],
    "op_attendance": [
        *_required("op_attendance", appointment_id="OPA_Ident", attendance_status_code="Attendance_Status"),
        *_acute("op_attendance", "appointment_date", "Appointment_Date", "HRG_Code"),
        Fault("op_attendance.attendance_status_code.enum", "Attendance_Status", ("9", "A")),
        Fault("op_attendance.first_attendance_code.enum", "First_Attendance", ("8",)),
    ],
    "ec_attendance": [
        *_required("ec_attendance", attendance_id="EC_Ident", arrival_date="Arrival_Date"),
        *_acute("ec_attendance", "arrival_date", "Arrival_Date", "SUS_HRG_Code"),
        Fault("ec_attendance.arrival_time.pattern", "Arrival_Time", ("30:00", "25:61")),
        Fault("ec_attendance.department_type_code.enum", "EC_Department_Type", ("1", "99")),
        Fault("ec_attendance.diagnosis_snomed_code.pattern", "EC_Diagnosis_01", _NO_SNOMED),
    ],
    "gp_appointment": [
        *_required(
            "gp_appointment", appointment_id="ID", practice_code="ORGANISATION_CODE", appointment_date="START_DATE"
        ),
        Fault("gp_appointment.appointment_date.minimum", "START_DATE", (dt.date(1800, 1, 1), dt.date(1582, 10, 15))),
        Fault("gp_appointment.status_code.enum", "APPOINTMENT_STATUS_CODE", ("Arrived", "5")),
        Fault("gp_appointment.staff_role_group.enum", "SDS_ROLE_GROUP", ("Locum",)),
        Fault("gp_appointment.duration_minutes.minimum", "ACTUAL_DURATION", (-10,)),
        Fault("gp_appointment.duration_minutes.maximum", "ACTUAL_DURATION", (99999,)),
        Fault("gp_appointment.outside_period", "START_DATE", _typed_after_period),
    ],
    "gp_coded_event": [
        *_required("gp_coded_event", practice_code="PRACTICE", event_date="DATE", snomed_code="CODE"),
        Fault("gp_coded_event.event_date.type", "DATE", _NO_DATES),
        Fault("gp_coded_event.event_date.minimum", "DATE", SENTINELS),
        Fault("gp_coded_event.snomed_code.pattern", "CODE", _NO_SNOMED),
        Fault("gp_coded_event.event_after_record", "DATE", _shifted("RECORD_DATE", 5)),
        Fault("gp_coded_event.outside_period", "RECORD_DATE", _after_period),
    ],
    "gp_prescription": [
        *_required("gp_prescription", practice_code="CostCentreODSCode", submitted_price="ItemActualCost"),
        Fault("gp_prescription.processing_month.type", "ProcessingPeriodDate", _NO_DATES),
        Fault("gp_prescription.processing_month.minimum", "ProcessingPeriodDate", SENTINELS),
        Fault("gp_prescription.bnf_code.pattern", "PaidBNFCode", ("0212", "21200B0aa")),
        Fault("gp_prescription.item_count.type", "ItemCount", _NO_INTEGERS),
        Fault("gp_prescription.item_count.minimum", "ItemCount", ("0",)),
        Fault("gp_prescription.submitted_price.type", "ItemActualCost", _NO_MONEY),
        Fault("gp_prescription.submitted_price.minimum", "ItemActualCost", ("-4.10",)),
        Fault("gp_prescription.outside_period", "ProcessingPeriodDate", _after_period),
    ],
    "community_contact": [
        *_required("community_contact", contact_id="Unique_CareContactID", referral_id="Unique_ServiceRequestID"),
        *_contacts("community_contact", "Contact_Date", "CareContact_Duration", "ConsMechanism"),
        Fault("community_contact.team_type_code.pattern", "TeamType", ("7", "XX")),
        Fault("community_contact.age_years.minimum", "AgeYr_Contact_Date", (-1,)),
    ],
    "mh_contact": [
        *_required("mh_contact", contact_id="UniqCareContID", month_id="UniqMonthID"),
        *_contacts("mh_contact", "CareContDate", "ClinContDurOfCareCont", "ConsMechanismMH"),
        Fault("mh_contact.team_type_code.enum", "ServTeamTypeMH", ("A99", "X01")),
        Fault("mh_contact.month_id.minimum", "UniqMonthID", (89,)),
    ],
    "mh_ward_stay": [
        *_required("mh_ward_stay", hospital_spell_id="UniqHospProvSpellID", start_date="StartDateWardStay"),
        Fault("mh_ward_stay.start_date.type", "StartDateWardStay", _NO_DATES),
        Fault("mh_ward_stay.month_id.type", "UniqMonthID", _NO_INTEGERS),
        Fault("mh_ward_stay.patient_class_code.enum", "MHAdmittedPatientClass", ("1", "998")),
        Fault(
            "mh_ward_stay.ends_before_it_starts",
            "StartDateWardStay",
            _shifted("EndDateWardStay", 1),
            lambda period: pl.col("EndDateWardStay") < period.end_date,
        ),
        Fault("mh_ward_stay.outside_period", "EndDateWardStay", _after_period),
    ],
    "mh_diagnosis": [
        *_required("mh_diagnosis", diagnosis_code="PrimDiag", referral_id="UniqServReqID"),
        Fault("mh_diagnosis.diagnosis_scheme_code.enum", "DiagSchemeInUse", ("2", "ICD")),
        Fault(
            "mh_diagnosis.diagnosis_code.pattern", "PrimDiag", _NO_SNOMED, lambda _: pl.col("DiagSchemeInUse") == "06"
        ),
        Fault("mh_diagnosis.diagnosis_date.type", "CodedDiagTimestamp", _NO_DATES),
        Fault(
            "mh_diagnosis.code_not_of_scheme", "DiagSchemeInUse", ("06",), lambda _: pl.col("DiagSchemeInUse") == "02"
        ),
        Fault("mh_diagnosis.outside_period", "CodedDiagTimestamp", _after_period),
    ],
    "social_care_event": [
        *_required("social_care_event", council_person_id="LA Person Unique Identifier", event_type="Event Type"),
        Fault("social_care_event.event_type.enum", "Event Type", ("Long Term Support", "Contact")),
        Fault("social_care_event.start_date.type", "Event Start Date", _NO_DATES),
        Fault("social_care_event.start_date.minimum", "Event Start Date", SENTINELS),
        Fault("social_care_event.unit_cost.type", "Unit Cost", _NO_MONEY, lambda _: pl.col("Unit Cost").is_not_null()),
        Fault(
            "social_care_event.unit_cost.minimum",
            "Unit Cost",
            ("-400.00",),
            lambda _: pl.col("Unit Cost").is_not_null(),
        ),
        Fault(
            "social_care_event.cost_frequency.enum",
            "Cost Frequency (Unit Type)",
            ("Nightly", "per week"),
            lambda _: pl.col("Unit Cost").is_not_null(),
        ),
        Fault(
            "social_care_event.cost_without_frequency",
            "Cost Frequency (Unit Type)",
            (None,),
            lambda _: pl.col("Unit Cost").is_not_null(),
        ),
        Fault(
            "social_care_event.ends_before_it_starts",
            "Event End Date",
            _shifted("Event Start Date", -1),
            lambda period: pl.col("Event Start Date") > period.start_date,
        ),
        Fault(
            "social_care_event.outside_period",
            "Event Start Date",
            _after_period,
            lambda _: pl.col("Event End Date").is_null(),
        ),
    ],
}
