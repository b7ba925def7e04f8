"""Which links between identifiers count, from the lists of mergers and bridges.

Belongs here: reversals, splits, corrections and former bridges; none depends on the order in which rows arrive.
Does not belong here: where several links in a row lead (`chains.py`), or whom they reach (`identity.py`).
"""

import polars as pl

FROM = ("from_domain", "from_pseudonym")
TO = ("to_domain", "to_pseudonym")
LINK = pl.Schema(
    {
        **dict.fromkeys((*FROM, *TO), pl.String),
        "since": pl.Date,  # from when it counts
        "is_bridge": pl.Boolean,
        "is_former": pl.Boolean,  # it counted until the identifier was given to somebody else
    }
)


def merger_links(events: pl.DataFrame) -> pl.DataFrame:
    """The links of `person_merger`: of each superseded pseudonym the latest merger that nothing undid.

    A reversal on or after its last merger undoes a pair, a split undoes all mergers of the pseudonym up to its day.
    """
    key, day, event = ["pseudonym_domain", "superseded_pseudonym"], pl.col("merged_on"), pl.col("event_code")
    return (
        events.with_columns(event.fill_null("merged"))
        .with_columns(split=day.filter(event == "split").max().over(key))
        .group_by(*key, "pseudonym")
        .agg(
            pl.col("split").first(),
            since=day.filter(event == "merged").max(),
            undone=day.filter(event == "reversed").max(),
        )
        .filter(pl.col("since").is_not_null())
        .filter(
            (pl.col("since") > pl.col("undone")).fill_null(True), (pl.col("since") > pl.col("split")).fill_null(True)
        )
        .filter(pl.col("since") == pl.col("since").max().over(key))
        .select(
            from_domain="pseudonym_domain",
            from_pseudonym="superseded_pseudonym",
            to_domain="pseudonym_domain",
            to_pseudonym="pseudonym",
            since="since",
            is_bridge=pl.lit(False),
            is_former=pl.lit(False),
        )
    )


def bridge_links(pairs: pl.DataFrame) -> pl.DataFrame:
    """The links of `person_bridge`: of each identifier the latest pair, which corrects those before it.

    Unless an earlier one says when it ended: then the identifier was used again, and where that led counts too.
    """
    named = pairs.select(
        from_domain="bridged_domain",
        from_pseudonym="bridged_pseudonym",
        to_domain="pseudonym_domain",
        to_pseudonym="pseudonym",
        since="bridged_from",
        ended=pl.col("bridged_to").is_not_null(),
    ).filter((pl.col("from_domain") != pl.col("to_domain")) | (pl.col("from_pseudonym") != pl.col("to_pseudonym")))
    several = pl.struct(FROM).is_duplicated()
    chosen = (  # nearly every identifier has one pair, so that only the others are grouped
        named.filter(several)
        .group_by(*FROM, *TO)
        .agg(pl.col("since").max(), pl.col("ended").any())
        .with_columns(is_former=pl.col("since") < pl.col("since").max().over(FROM))
        .filter(~pl.col("is_former") | pl.col("ended"))
    )
    single = named.filter(~several).with_columns(is_former=pl.lit(False))
    return pl.concat([single, chosen.select(single.columns)]).select(
        *FROM, *TO, "since", is_bridge=pl.lit(True), is_former="is_former"
    )
