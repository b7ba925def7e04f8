-- person_year_morbidity: how many conditions a person lives with, by list.
-- Grain: one row per registered person, financial year and condition list; none counts as 0.
-- Source: condition_evidence within the look-back of run_parameters, person_year.
with coded as (
    select distinct e.person_id, e.condition_code
    from condition_evidence as e
    cross join run_parameters as p
    where e.financial_year between p.look_back_first_year and p.financial_year
),

suppressed as (  -- the milder condition beside a graver one
    select c.person_id, h.suppresses_condition_code as condition_code
    from coded as c
    inner join condition_hierarchy as h on c.condition_code = h.condition_code
),

counted as (
    select c.person_id, l.condition_list, count(distinct l.counted_as) as condition_count
    from coded as c
    inner join condition_list as l on c.condition_code = l.condition_code
    where not exists (
        select 1 from suppressed as s where s.person_id = c.person_id and s.condition_code = c.condition_code
    )
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
