"""Where prices can stand: the points of a book at which a run looks for one.

Belongs here: the points of the ladder (`price_point.csv`), and those that are their own and only book point.
Does not belong here: which is tried first (`sql/price_used.sql`); which point a record has (`sql/activity.sql`).
"""

from collections.abc import Mapping
from functools import cache

import polars as pl

from assets.reference import FOLDER

Point = tuple[str, str]

_OWN_POINTS = {
    "primary": ("gp_appointment", "prescribing"),
    "inpatient": ("community_bed_day", "unbundled"),
    "outpatient": ("procedure",),
    "emergency": ("emergency_attendance", "ambulance"),
    "community": ("community_contact", "district_nursing", "hospice"),
    "mental_health": ("mh_contact", "mh_bed_day", "mh_cluster_day"),
    "social_care": (
        "residential_care",
        "nursing_care",
        "direct_payment",
        "community_support",
        "short_term_support",
        "carer_support",
        "other_service",
    ),
    "continuing_care": (
        "continuing_care",
        "fast_track",
        "funded_nursing_care",
        "joint_funding",
        "childrens_continuing_care",
    ),
}
UNBUNDLED = ("inpatient", "unbundled")  # added to the price of a spell by code alone
CLUSTERS = ("mental_health", "mh_cluster_day")  # prices by cluster, where a book has any, take the place of others
STAFFED = ("primary", "gp_appointment")  # every record has a currency, so that a mean would never be used
_BY_PACKAGE = ("social_care", "continuing_care")  # priced as the council or commissioner says


@cache
def _ladder() -> dict[Point, tuple[str, ...]]:
    rungs = pl.read_csv(FOLDER / "price_point.csv", infer_schema=False).group_by("setting", "price_point")
    return {
        (setting, point): tuple(books) for setting, point, books in rungs.agg(pl.col("book_point").unique()).iter_rows()
    }


def book_points() -> Mapping[Point, tuple[str, ...]]:
    """For each point of care that needs prices of a book: the points of the book that may have them."""
    own = {
        (setting, point): (point,)
        for setting, points in _OWN_POINTS.items()
        for point in points
        if setting not in _BY_PACKAGE and (setting, point) not in (UNBUNDLED, CLUSTERS)
    }
    return own | _ladder()


def known_points() -> frozenset[Point]:
    """Setting and point of every price that can be used."""
    own = {(setting, point) for setting, points in _OWN_POINTS.items() for point in points}
    ladder = {(setting, book) for (setting, _), books in _ladder().items() for book in books}
    return frozenset(own | ladder)
