-- segmentation_fit: how well a segmentation separates people by cost.
-- Grain: one row per financial year and segmentation.
-- Method: 1 - sum of people x variance of segments / people / variance of all, from exact sums of squares; Wood, Murch,
-- Betteridge 2019. Concurrent. Source: person_year_segment, person_year_cost, feed_completeness.
with costed as (
    select s.segmentation, s.segment, cast(c.total_pence as decimal(38, 0)) as cost
    from person_year_segment as s
    inner join person_year_cost as c on s.person_id = c.person_id
),

segment_sum as (
    select
        segmentation,
        segment,
        cast(count(*) as decimal(38, 0)) as people,
        sum(cost) as cost,
        sum(cost * cost) as cost_squared
    from costed
    group by segmentation, segment
),

spread as (  -- people times sum of squares about the mean: a whole number, so that large costs cancel exactly
    select segmentation, people, cost, cost_squared, people * cost_squared - cost * cost as scaled_squares
    from segment_sum
),

fitted as (
    select
        segmentation,
        count(*) as segment_count,
        sum(people) as people,
        sum(cost) as cost,
        sum(people) * sum(cost_squared) - sum(cost) * sum(cost) as scaled_squares,
        -- a sum of doubles would depend on the order of rows: a sum of ten-thousandths does not
        sum(cast(cast(scaled_squares as double) / nullif(people, 0) as decimal(38, 4))) as squares_within
    from spread
    group by segmentation
),

variance as (
    select
        segmentation,
        segment_count,
        people,
        cast(cost as double) / nullif(cast(people as double), 0) as mean_total,
        cast(scaled_squares as double) / nullif(cast(people as double) * cast(people as double), 0) as of_all,
        cast(squares_within as double) / nullif(cast(people as double), 0) as within
    from fitted
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    f.segmentation,
    cast(f.people as bigint) as people_count,
    cast(f.segment_count as bigint) as segment_count,
    f.mean_total as mean_total_pence,
    case when f.of_all >= 0 then sqrt(f.of_all) end as sd_total_pence,
    case when f.within >= 0 then sqrt(f.within) end as sd_within_pence,
    1 - cast(f.within as double) / nullif(f.of_all, 0) as variance_reduction,
    'segment means, in sample, concurrent' as design,
    r.completeness,
    p.exposure_rule
from variance as f
cross join rests_on as r
cross join run_parameters as p
