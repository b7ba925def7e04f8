-- person_year_morbidity: how many conditions a person lives with, and which together, by list.
-- Grain: one row per registered person, financial year and condition list; none counts as 0.
-- Source: person_year_condition, of which conditions that a list counts as one count once; person_year, condition_list,
-- condition_list_band.
with counted as (  -- once, whichever of the codes that count as one a person has
    select distinct c.person_id, l.condition_list, l.counted_as
    from person_year_condition as c
    inner join condition_list as l on c.condition_code = l.condition_code
),

held as (
    select
        condition_list,
        person_id,
        counted_as,
        row_number() over (partition by condition_list, person_id order by counted_as asc nulls last) - 1 as place
    from counted
),

part as (  -- the text in eights, since no portable function joins rows in order
    select
        condition_list,
        person_id,
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
        ) as part_name,
        count(*) as part_count
    from held
    group by condition_list, person_id, cast(floor(cast(place as double) / 8) as int)
),

named as (
    select
        condition_list,
        person_id,
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
        ) as combination,
        sum(part_count) as condition_count
    from part
    group by condition_list, person_id
),

list_name as (select distinct condition_list from condition_list),

band_range as (
    select
        condition_list,
        list_band,
        lowest_count,
        lead(lowest_count) over (
            partition by condition_list order by lowest_count asc nulls last, list_band asc nulls last
        ) as next_count
    from condition_list_band
)

select
    y.financial_year,
    y.person_id,
    n.condition_list,
    cast(coalesce(c.condition_count, 0) as int) as condition_count,
    case
        when coalesce(c.condition_count, 0) >= 7 then '7+'
        else cast(coalesce(c.condition_count, 0) as string)
    end as count_band,
    b.list_band,
    coalesce(c.combination, 'none') as combination,
    cast(p.look_back_years as int) as look_back_years
from person_year as y
cross join list_name as n
cross join run_parameters as p
left join named as c on y.person_id = c.person_id and n.condition_list = c.condition_list
left join band_range as b
    on
        n.condition_list = b.condition_list
        and coalesce(c.condition_count, 0) >= b.lowest_count
        and (coalesce(c.condition_count, 0) < b.next_count or b.next_count is null)
