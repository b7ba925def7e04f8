"""The domains in which deliveries issue their identifiers, and how a person is known in each.

An identifier means something within its domain only. The register's domain is that of most feeds; the national data
sets of community and mental health care have their own, a council has its own numbers, and the key of one feed changes
half-way through the study. Not here: how those domains are bridged (`bridges`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import identity
from synthetic.layout import COMMUNITY_DOMAIN, MENTAL_HEALTH_DOMAIN, PSEUDONYM_DOMAIN, Feed
from synthetic.periods import Study

COUNCIL_DOMAIN = "council_905"
ROTATED_FEED, OLD_DOMAIN = "ec_attendance", "sus_2022"
# What is added to the seed for the key of each domain.
_KEYS = {PSEUDONYM_DOMAIN: 0, COUNCIL_DOMAIN: 1, COMMUNITY_DOMAIN: 101, MENTAL_HEALTH_DOMAIN: 201, OLD_DOMAIN: 301}


def rotation(study: Study) -> int:
    """Position of the first month whose deliveries use the new key."""
    return len(study.months) // 2


def domain_of(feed: Feed, position: int, study: Study) -> str:
    """The domain that a feed's delivery for the period at `position` announces."""
    return OLD_DOMAIN if feed.name == ROTATED_FEED and position < rotation(study) else feed.domain


def issued(domain: str, index: np.ndarray, seed: int) -> pl.Series:
    """The identifiers of the person numbers `index` in a domain, as text."""
    key = seed + _KEYS[domain]
    if domain in (COMMUNITY_DOMAIN, MENTAL_HEALTH_DOMAIN):
        return pl.Series(identity.tokens(index, key), dtype=pl.String)
    issue = identity.council_numbers if domain == COUNCIL_DOMAIN else identity.pseudonyms
    return pl.Series(issue(index, key)).cast(pl.String)
