"""Denominators and caveats that several tables share.

Belongs here: sentences of more than one declaration.
Does not belong here: what holds of one table only.
"""

REGISTERED = "All people registered on at least one day of the financial year, users of care or not."
REGISTERED_OF_THE_GROUP = "The people of the row's group: all who were registered on at least one day, users or not."

PART_OF_A_YEAR = "Cost is not annualised: who was registered for a part of the year is in with the cost of that part."
CRUDE = "Nothing is adjusted for: groups also differ in age, sex and deprivation, so that a difference is no effect."
ALL_CARE = "All care of these people counts, not care for the condition."
SEVERAL_ROWS = "Who has several conditions is in several rows, so that rows add up to more than the whole."
AS_CODED = (
    "A condition is known only if it was coded within the look-back in a feed that came: counts are least sure in the "
    "first years of a home, in the young and in newcomers."
)
DEMONSTRATION_MAP = (
    "The SNOMED CT map that is shipped is a demonstration: bring full lists before comparing prevalences with others."
)
SKEWED = "Cost is skewed: means of small groups move with one or two people, and their intervals are too narrow."
NOMINAL = "Cost is nominal: years are not comparable until prices are put on one year."
CONCURRENT = "Conditions and cost are of the same year: it describes, and foretells nothing."
NOT_A_FORECAST_OF_COST = (
    "Weights were derived on other people for another outcome, mostly death or admission: a score is not a need or a "
    "cost."
)
