-- person_year_morbidity: how many conditions a person lives with, by list.
-- Grain: one row per registered person, financial year and condition list; none counts as 0.
-- Source: person_year_condition, of which conditions that a list counts as one count once; person_year, condition_list,
-- condition_list_band.
with counted as (
    select c.person_id, l.condition_list, count(distinct l.counted_as) as condition_count
    from person_year_condition as c
    inner join condition_list as l on c.condition_code = l.condition_code
    group by c.person_id, l.condition_list
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
    cast(p.look_back_years as int) as look_back_years
from person_year as y
cross join list_name as n
cross join run_parameters as p
left join counted as c on y.person_id = c.person_id and n.condition_list = c.condition_list
left join band_range as b
    on
        n.condition_list = b.condition_list
        and coalesce(c.condition_count, 0) >= b.lowest_count
        and (coalesce(c.condition_count, 0) < b.next_count or b.next_count is null)
