"""The tuned numbers of the county: all of them assumptions, set so that the published Symphony figures are met.

Rates are a year and a person. Tables by count run over 0, 1 … 6, 7 or more of the 52 conditions (or of the eight
priority groups); tables by age run over the bands that start at `AGE_BANDS`. What a group moves is said above it.
"""

from __future__ import annotations

AGE_BANDS = (0, 5, 20, 45, 65, 75, 85)

# Flows through the register, as shares of the people registered at the end, and the frailty (in standard deviations)
# that sets those who die apart: last-year cost, and the drift of prevalence over the study.
DEATHS = 0.0118
LEAVERS = 0.040
JOINERS = 0.042
MOVES_WITHIN_COUNTY = 0.02
FRAILTY_OF_THE_DYING = 0.55

# Morbidity: how far conditions cluster beyond age, sex and deprivation. The priority conditions cluster more, so that
# three or more of the eight are about 2% of people while seven or more of the 52 stay near 1%.
CLUSTER_LOADING = 0.31
PRIORITY_LOADING_SCALE = 0.98
OTHER_LOADING_SCALE = 0.46
PREVALENCE_SCALE = 0.90

# Lasting and yearly spread of use between people who are alike: concentration of cost, and persistence.
PERSON_SPREAD = 0.55
PERSON_FRAILTY_SHARE = 0.3
PERSON_MOST = 5.0
YEAR_SHAPE = 0.9
YEAR_MOST = 5.0
DEPRIVATION_SLOPE = 0.05  # of use, per decile away from the middle

# Emergency admissions: the steepness over the count sets the ratio of 7+ to 1 and its inpatient part.
NON_ELECTIVE_BASE = (0.100, 0.048, 0.046, 0.036, 0.028, 0.022, 0.020)
NON_ELECTIVE_BY_COUNT = (1.0, 1.35, 2.2, 3.7, 6.4, 10.5, 19.0, 78.0)
NON_ELECTIVE_BY_PRIORITY = (1.0, 1.0, 1.1, 1.65, 2.1)
NON_ELECTIVE_MOST = 14
TERMINAL_ADMISSIONS = 0.9
STAY_SIGMA = 0.9
STAY_MOST = 75
EXCESS_DAY_PRICE = 400.0
# Paid on top of some long emergency stays: the hospital part of the tail.
CRITICAL_CARE_SHARE = 0.06
CRITICAL_CARE_MEAN = 20_000.0
CRITICAL_CARE_MOST = 140_000.0
CRITICAL_CARE_DAY_PRICE = 2_000.0
BEST_PRACTICE_SHARE = 0.03  # of spells
REHABILITATION_SHARE = 0.04
REHABILITATION_DAY_PRICE = 450.0

# Planned care, births and clinics: nearly flat in age for the same count, so that age alone explains little.
ELECTIVE_BASE = (0.04, 0.04, 0.060, 0.070, 0.072, 0.062, 0.040)
ELECTIVE_BY_COUNT = (1.0, 1.6, 2.1, 2.6, 3.0, 3.4, 3.8, 4.2)
ELECTIVE_MOST = 5
REGULAR_BASE = 0.35  # courses of chemotherapy and radiotherapy per person with cancer
MATERNITY_RATE = 0.062  # admissions per woman aged 16 to 45

OUTPATIENT_BASE = (1.20, 1.10, 1.42, 1.46, 1.36, 0.98, 0.82)
OUTPATIENT_SHAPE = 0.45
MULTI_PROFESSIONAL_SHARE = 0.04  # of attendances
OUTPATIENT_BY_COUNT = (1.0, 1.5, 2.1, 2.7, 3.2, 3.7, 4.2, 4.8)
EMERGENCY_BASE = (0.60, 0.37, 0.37, 0.26, 0.22, 0.24, 0.28)
EMERGENCY_BY_COUNT = (1.0, 1.25, 1.5, 1.75, 2.0, 2.3, 2.6, 3.0)
VIA_EMERGENCY_SHARE = 0.75

# General practice: volumes of appointments and items.
APPOINTMENT_BASE = (5.2, 3.5, 4.7, 5.3, 6.0, 6.6, 6.8)
APPOINTMENT_BY_COUNT = (1.0, 1.4, 1.7, 2.0, 2.3, 2.6, 2.8, 3.2)
REPEAT_ITEMS_SHARE = 0.85
NET_INGREDIENT_SHARE = 0.3  # of lines: the net ingredient cost is sent
NOT_PAID_SHARE = 0.0005  # of lines: not dispensed, and as many on private prescriptions
OTHER_ITEMS_BASE = (2.8, 3.8, 6.8, 9.0, 12.0, 15.5, 19.0)

CONTRIBUTING_SHARE = 0.45  # of lasting council packages: the person's share is sent
FULL_COST_SHARE = 0.05  # of lasting council packages: the person pays all of it

# Community and mental health: volumes, and stays on wards.
COMMUNITY_SCALE = 0.040
MENTAL_HEALTH_SCALE = 1.9
WARD_STAY_RATE = {"smi_scz": 0.075, "bipolar": 0.045, "depression": 0.0018, "dementia": 0.010, "eating": 0.010}
WARD_STAY_MEAN = 30.0
WARD_STAY_MOST = 110
LONG_STAY_SHARE = 0.20  # of the stays of people with psychosis: rehabilitation and secure wards
LONG_STAY_MEAN = 300.0
LONG_STAY_MOST = 450

# Social care: scales of the chance of each kind of package, and how long it lasts. Complex placements hold a large part
# of the variance at any count of conditions: more of them lowers both R2.
CARE_HOME_SCALE = 0.60
HOME_CARE_SCALE = 0.62
WORKING_AGE_CARE_SCALE = 0.75
CARE_HOME_MEAN_DAYS = 650
HOME_CARE_MEAN_DAYS = 450
HOME_CARE_HOURS = 9.0
HOME_CARE_HOURS_MOST = 42.0
COMPLEX_PLACEMENTS = 0.00086  # of adults under 70: few people, each dearer than any other package

# Continuing care: a scale of the chance of a lasting package, how long each kind has run (continuing healthcare, funded
# nursing care, joint funding, children) and what each costs a week (and fast track). Funded nursing care has one rate.
CONTINUING_CARE_SCALE = 1.7
CONTINUING_CARE_MEAN_DAYS = (500, 700, 1500, 1200)
CONTINUING_CARE_WEEKLY = (1600.0, 255.0, 1100.0, 1500.0, 1250.0)
CONTINUING_CARE_MOST = 6000.0
FAST_TRACK_SHARE = 0.15  # of those who die
FAST_TRACK_MEAN_DAYS = 40

# Ambulances: who is brought to an emergency department, and incidents a year that end without.
CONVEYED_OF_ADMITTED = 0.48
CONVEYED_OF_OTHERS = 0.10
AMBULANCE_BASE = (0.020, 0.016, 0.018, 0.024, 0.036, 0.070, 0.130)
AMBULANCE_BY_COUNT = (1.0, 1.2, 1.5, 1.8, 2.1, 2.4, 2.7, 3.0)
