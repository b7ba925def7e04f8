-- condition_combination: everything that people have of a list, and nothing else.
-- Grain: one row per financial year, condition list and exact combination of at least ten people; one row for others.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_condition, person_year_cost,
-- condition_list, feed_completeness.
with registered as (
    select y.person_id, cast(c.total_pence as decimal(38, 0)) as cost
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
),

listed as (select distinct condition_list, counted_as from condition_list),

list_name as (select distinct condition_list from condition_list),

unit as (
    select
        condition_list,
        counted_as,
        row_number() over (partition by condition_list order by counted_as nulls last) - 1 as bit
    from listed
),

held as (  -- once, whichever of the codes that count as one a person has
    select distinct u.condition_list, u.counted_as, u.bit, c.person_id
    from person_year_condition as c
    inner join condition_list as l on c.condition_code = l.condition_code
    inner join unit as u on l.condition_list = u.condition_list and l.counted_as = u.counted_as
),

holder as (  -- what a person has of a list, as one number: exact for up to 126 conditions
    select
        condition_list,
        person_id,
        sum(cast(power(2, bit) as decimal(38, 0))) as bits,
        count(*) as condition_count
    from held
    group by condition_list, person_id
),

exact as (
    select
        l.condition_list,
        coalesce(h.bits, 0) as bits,
        coalesce(max(h.condition_count), 0) as condition_count,
        min(r.person_id) as example_person_id,
        cast(count(*) as decimal(38, 0)) as people,
        sum(r.cost) as cost,
        sum(r.cost * r.cost) as cost_squared
    from registered as r
    cross join list_name as l
    left join holder as h on r.person_id = h.person_id and l.condition_list = h.condition_list
    group by l.condition_list, coalesce(h.bits, 0)
),

member as (  -- of the commoner ones, as one of the people shows them, in order
    select
        e.condition_list,
        e.bits,
        h.counted_as,
        row_number() over (partition by e.condition_list, e.bits order by h.counted_as nulls last) - 1 as place
    from exact as e
    inner join held as h on e.example_person_id = h.person_id and e.condition_list = h.condition_list
    where e.people >= 10
),

part as (  -- the text in eights, since no portable function joins rows in order
    select
        condition_list,
        bits,
        cast(floor(cast(place as double) / 8) as int) as eight,
        concat_ws(
            '+',
            max(case when place % 8 = 0 then counted_as end),
            max(case when place % 8 = 1 then counted_as end),
            max(case when place % 8 = 2 then counted_as end),
            max(case when place % 8 = 3 then counted_as end),
            max(case when place % 8 = 4 then counted_as end),
            max(case when place % 8 = 5 then counted_as end),
            max(case when place % 8 = 6 then counted_as end),
            max(case when place % 8 = 7 then counted_as end)
        ) as part_name
    from member
    group by condition_list, bits, cast(floor(cast(place as double) / 8) as int)
),

named as (
    select
        condition_list,
        bits,
        concat_ws(
            '+',
            max(case when eight = 0 then part_name end),
            max(case when eight = 1 then part_name end),
            max(case when eight = 2 then part_name end),
            max(case when eight = 3 then part_name end),
            max(case when eight = 4 then part_name end),
            max(case when eight = 5 then part_name end),
            max(case when eight = 6 then part_name end),
            max(case when eight = 7 then part_name end),
            max(case when eight = 8 then part_name end),
            max(case when eight = 9 then part_name end),
            max(case when eight = 10 then part_name end),
            max(case when eight = 11 then part_name end),
            max(case when eight = 12 then part_name end),
            max(case when eight = 13 then part_name end),
            max(case when eight = 14 then part_name end),
            max(case when eight = 15 then part_name end)
        ) as combination
    from part
    group by condition_list, bits
),

shown as (
    select
        e.condition_list,
        case when e.people < 10 then 'other' else coalesce(n.combination, 'none') end as combination,
        case when e.people >= 10 then e.condition_count end as condition_count,
        e.people,
        e.cost,
        e.cost_squared
    from exact as e
    left join named as n on e.condition_list = n.condition_list and e.bits = n.bits
),

summed as (
    select
        condition_list,
        combination,
        max(condition_count) as condition_count,
        count(*) as combination_count,
        sum(people) as people,
        sum(cost) as cost,
        sum(cost_squared) as cost_squared
    from shown
    group by condition_list, combination
),

population as (select count(*) as people, sum(cost) as cost from registered),

measured as (
    select
        s.condition_list,
        s.combination,
        s.condition_count,
        s.combination_count,
        s.people,
        cast(s.people as double) as divisor,
        cast(s.people as double) / nullif(cast(n.people as double), 0) as people_share,
        s.cost,
        cast(s.cost as double) / nullif(cast(n.cost as double), 0) as cost_share,
        cast(s.cost as double) / nullif(cast(s.people as double), 0) as mean_total,
        cast(s.people * s.cost_squared - s.cost * s.cost as double)
        / nullif(cast(s.people * (s.people - 1) as double), 0) as variance
    from summed as s
    cross join population as n
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    m.condition_list,
    m.combination,
    cast(m.condition_count as int) as condition_count,
    cast(m.combination_count as bigint) as combination_count,
    cast(m.people as bigint) as people_count,
    m.people_share,
    cast(m.cost as bigint) as total_pence,
    m.cost_share,
    m.mean_total as mean_total_pence,
    case when m.variance >= 0 then sqrt(m.variance) end as sd_total_pence,
    m.mean_total
    - case when m.variance >= 0 then 1.96 * sqrt(cast(m.variance as double) / nullif(m.divisor, 0)) end
        as mean_total_low_pence,
    m.mean_total
    + case when m.variance >= 0 then 1.96 * sqrt(cast(m.variance as double) / nullif(m.divisor, 0)) end
        as mean_total_high_pence,
    r.completeness,
    p.exposure_rule
from measured as m
cross join rests_on as r
cross join run_parameters as p
