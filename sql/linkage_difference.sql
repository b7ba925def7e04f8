-- linkage_difference: how unlinked care differs from linked care, by what the records say of their people.
-- Grain: one row per feed, characteristic and level, within the year.
-- Units: records, pence; standardised differences have none. Source: linkage_quality.
with levelled as (
    select
        feed,
        subgroup_type as characteristic,
        subgroup as level,
        sum(linked_count) as linked_count,
        sum(record_count - linked_count) as unlinked_count,
        sum(coalesce(linked_pence, 0)) as linked_pence,
        sum(coalesce(cost_pence - linked_pence, 0)) as unlinked_pence
    from linkage_quality
    where subgroup_type <> 'all'
    group by feed, subgroup_type, subgroup
),

whole as (
    select
        feed,
        characteristic,
        sum(linked_count) as linked_count,
        sum(unlinked_count) as unlinked_count,
        sum(linked_pence) as linked_pence,
        sum(unlinked_pence) as unlinked_pence
    from levelled
    group by feed, characteristic
),

shared as (
    select
        v.feed,
        v.characteristic,
        v.level,
        v.linked_count,
        v.unlinked_count,
        w.linked_count as linked_total_count,
        w.unlinked_count as unlinked_total_count,
        v.linked_pence,
        v.unlinked_pence,
        cast(v.linked_count as double) / nullif(w.linked_count, 0) as linked_share,
        cast(v.unlinked_count as double) / nullif(w.unlinked_count, 0) as unlinked_share,
        cast(v.linked_pence as double) / nullif(w.linked_pence, 0) as linked_cost_share,
        cast(v.unlinked_pence as double) / nullif(w.unlinked_pence, 0) as unlinked_cost_share
    from levelled as v
    inner join whole as w on v.feed = w.feed and v.characteristic = w.characteristic
),

spread as (  -- the mean variance of the two shares; nothing where both are all or none
    select
        feed, characteristic, level, linked_count, unlinked_count, linked_total_count, unlinked_total_count,
        linked_pence, unlinked_pence, linked_share, unlinked_share, linked_cost_share, unlinked_cost_share,
        (linked_share * (1 - linked_share) + unlinked_share * (1 - unlinked_share)) / 2 as variance,
        (linked_cost_share * (1 - linked_cost_share) + unlinked_cost_share * (1 - unlinked_cost_share)) / 2
            as cost_variance
    from shared
),

compared as (
    select
        feed, characteristic, level, linked_count, unlinked_count, linked_total_count, unlinked_total_count,
        linked_pence, unlinked_pence, linked_share, unlinked_share, linked_cost_share, unlinked_cost_share,
        case
            when linked_share = unlinked_share then cast(0 as double)
            when variance > 0 then (linked_share - unlinked_share) / nullif(sqrt(variance), 0)
        end as standardised_difference,
        case
            when linked_cost_share = unlinked_cost_share then cast(0 as double)
            when cost_variance > 0 then (linked_cost_share - unlinked_cost_share) / nullif(sqrt(cost_variance), 0)
        end as cost_standardised_difference
    from spread
)

select
    p.financial_year,
    c.feed,
    c.characteristic,
    c.level,
    cast(c.linked_count as bigint) as linked_count,
    cast(c.unlinked_count as bigint) as unlinked_count,
    cast(c.linked_total_count as bigint) as linked_total_count,
    cast(c.unlinked_total_count as bigint) as unlinked_total_count,
    c.linked_share,
    c.unlinked_share,
    c.standardised_difference,
    cast(c.linked_pence as bigint) as linked_pence,
    cast(c.unlinked_pence as bigint) as unlinked_pence,
    c.linked_cost_share,
    c.unlinked_cost_share,
    c.cost_standardised_difference,
    coalesce(abs(c.standardised_difference) > 0.1, c.linked_share <> c.unlinked_share, false)
    or coalesce(abs(c.cost_standardised_difference) > 0.1, c.linked_cost_share <> c.unlinked_cost_share, false)
        as is_large
from compared as c
cross join run_parameters as p
