-- condition_triad: which three conditions come together, and what people with all three cost.
-- Grain: one row per financial year, condition list and unordered three conditions that at least ten people have.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_condition, person_year_cost,
-- condition_list, feed_completeness.
with registered as (
    select y.person_id, cast(c.total_pence as decimal(38, 0)) as cost
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
),

population as (select cast(count(*) as decimal(38, 0)) as people from registered),

listed as (select distinct condition_list, counted_as from condition_list),

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

single as (
    select condition_list, counted_as, cast(count(*) as decimal(38, 0)) as people
    from held
    group by condition_list, counted_as
),

holder as (  -- what a person has of a list, as one number: exact for up to 126 conditions
    select condition_list, person_id, sum(cast(power(2, bit) as decimal(38, 0))) as combination
    from held
    group by condition_list, person_id
    having count(*) >= 3
),

combination as (  -- who has the same is taken apart once: any of them shows what it is
    select
        h.condition_list,
        h.combination,
        min(h.person_id) as example_person_id,
        cast(count(*) as decimal(38, 0)) as people,
        sum(r.cost) as cost,
        sum(r.cost * r.cost) as cost_squared
    from holder as h
    inner join registered as r on h.person_id = r.person_id
    group by h.condition_list, h.combination
),

member as (
    select c.condition_list, c.example_person_id, h.counted_as, c.people, c.cost, c.cost_squared
    from combination as c
    inner join held as h on c.example_person_id = h.person_id and c.condition_list = h.condition_list
),

triad as (
    select
        a.condition_list,
        a.counted_as as first_condition,
        b.counted_as as second_condition,
        c.counted_as as third_condition,
        sum(a.people) as people,
        sum(a.cost) as cost,
        sum(a.cost_squared) as cost_squared
    from member as a
    inner join member as b
        on
            a.example_person_id = b.example_person_id
            and a.condition_list = b.condition_list
            and a.counted_as < b.counted_as
    inner join member as c
        on
            b.example_person_id = c.example_person_id
            and b.condition_list = c.condition_list
            and b.counted_as < c.counted_as
    group by a.condition_list, a.counted_as, b.counted_as, c.counted_as
    having sum(a.people) >= 10
),

measured as (
    select
        t.condition_list,
        t.first_condition,
        t.second_condition,
        t.third_condition,
        n.people as registered,
        t.people,
        t.cost,
        cast(t.people as double) as divisor,
        cast(a.people * b.people * c.people as double)
        / nullif(cast(n.people * n.people as double), 0) as expected,
        cast(t.people * n.people * n.people as double)
        / nullif(cast(a.people * b.people * c.people as double), 0) as ratio,
        cast(t.cost as double) / nullif(cast(t.people as double), 0) as mean_total,
        cast(t.people * t.cost_squared - t.cost * t.cost as double)
        / nullif(cast(t.people * (t.people - 1) as double), 0) as variance
    from triad as t
    inner join single as a on t.condition_list = a.condition_list and t.first_condition = a.counted_as
    inner join single as b on t.condition_list = b.condition_list and t.second_condition = b.counted_as
    inner join single as c on t.condition_list = c.condition_list and t.third_condition = c.counted_as
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
    m.first_condition,
    m.second_condition,
    m.third_condition,
    cast(m.people as bigint) as people_count,
    cast(m.registered as bigint) as registered_count,
    cast(m.divisor as double) / nullif(cast(m.registered as double), 0) as prevalence,
    m.expected as expected_count,
    m.ratio as observed_over_expected,
    cast(m.cost as bigint) as total_pence,
    cast(rank() over (partition by m.condition_list order by m.cost desc nulls last) as int) as cost_rank,
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
