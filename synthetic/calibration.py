"""The tuned numbers of the county: all of them assumptions, set so that the published Symphony figures are met.

Rates are a year and a person. Tables by count run over 0, 1 … 6, 7 or more of the 52 conditions (or of the eight priority groups);
tables by age run over the bands that start at `AGE_BANDS`. What each table moves is said beside it.
"""

from __future__ import annotations

AGE_BANDS = (0, 5, 20, 45, 65, 75, 85)

# Flows through the register, as shares of the people registered at the end.
DEATHS = 0.0118
LEAVERS = 0.040
JOINERS = 0.042
MOVES_WITHIN_COUNTY = 0.02
FRAILTY_OF_THE_DYING = 0.9

# Morbidity: how far conditions cluster, beyond age, sex and deprivation.
CLUSTER_LOADING = 0.40
PREVALENCE_SCALE = 1.0

# Persistent and yearly spread of use between people who are alike: the spread sets the total variance, so the R2.
PERSON_SPREAD = 0.55
PERSON_FRAILTY_SHARE = 0.3
PERSON_MOST = 5.0
YEAR_SHAPE = 0.9
YEAR_MOST = 5.0
DEPRIVATION_SLOPE = 0.05  # of use, per decile away from the middle

# Emergency admissions: the steepness over the count sets the ratio of 7+ to 1 and its inpatient part.
NON_ELECTIVE_BASE = (0.060, 0.018, 0.022, 0.023, 0.028, 0.040, 0.052)
NON_ELECTIVE_BY_COUNT = (1.0, 1.7, 2.8, 4.2, 6.0, 8.5, 12.0, 19.0)
NON_ELECTIVE_BY_PRIORITY = (1.0, 1.0, 1.2, 1.9, 2.3)
NON_ELECTIVE_MOST = 9
TERMINAL_ADMISSIONS = 1.1
STAY_SIGMA = 0.9
STAY_MOST = 75
EXCESS_DAY_PRICE = 400.0
REHABILITATION_SHARE = 0.04
REHABILITATION_DAY_PRICE = 450.0

ELECTIVE_BASE = (0.020, 0.025, 0.040, 0.062, 0.085, 0.085, 0.05)
ELECTIVE_BY_COUNT = (1.0, 1.6, 2.1, 2.6, 3.0, 3.4, 3.8, 4.2)
ELECTIVE_MOST = 5
REGULAR_BASE = 0.35  # courses of chemotherapy and radiotherapy per person with cancer
MATERNITY_RATE = 0.062  # admissions per woman aged 16 to 45

OUTPATIENT_BASE = (0.55, 0.50, 0.85, 1.15, 1.45, 1.60, 1.20)
OUTPATIENT_BY_COUNT = (1.0, 1.7, 2.2, 2.7, 3.1, 3.5, 3.9, 4.4)
EMERGENCY_BASE = (0.42, 0.26, 0.26, 0.18, 0.17, 0.22, 0.30)
EMERGENCY_BY_COUNT = (1.0, 1.25, 1.5, 1.75, 2.0, 2.3, 2.6, 3.0)
VIA_EMERGENCY_SHARE = 0.75

APPOINTMENT_BASE = (3.8, 2.6, 3.6, 4.2, 5.0, 5.8, 6.2)
APPOINTMENT_BY_COUNT = (1.0, 1.45, 1.75, 2.0, 2.25, 2.5, 2.7, 3.0)
REPEAT_ITEMS_SHARE = 0.62
OTHER_ITEMS_BASE = (1.6, 2.2, 4.0, 5.5, 8.0, 11.0, 14.0)

COMMUNITY_SCALE = 0.016
MENTAL_HEALTH_SCALE = 1.0
WARD_STAY_RATE = {"smi_scz": 0.075, "bipolar": 0.045, "depression": 0.0018, "dementia": 0.010, "eating": 0.010}
WARD_STAY_MEAN = 30.0
WARD_STAY_MOST = 110

# Social care: share of people with each kind of package, before the drivers; caps on hours and weeks.
CARE_HOME_SCALE = 1.0
HOME_CARE_SCALE = 1.0
WORKING_AGE_CARE_SCALE = 1.0
HOME_CARE_HOURS_MOST = 42.0
