-- morbidity_by_look_back: how many conditions people live with, and what they cost, by look-back and source.
-- Grain: one row per financial year, condition list, look-back, source scope and count band with at least one person.
-- Units: pence. Denominator: all registered people. Source: condition_evidence, condition_hierarchy, condition_list,
-- person_year, person_year_cost, feed_completeness.
with look_back as (
    select v.look_back, v.years
    from (values ('1', 1), ('2', 2), ('5', 5), ('ever', 10000)) as v(look_back, years)
),

dated as (
    select
        e.person_id,
        e.condition_code,
        e.evidence_source,
        year(p.year_start) - cast(substr(e.financial_year, 1, 4) as int) as years_ago
    from condition_evidence as e
    inner join person_year as y on e.person_id = y.person_id
    cross join run_parameters as p
    where e.financial_year <= p.financial_year
),

latest as (  -- the last code decides in which look-backs a condition is in force
    select
        person_id,
        condition_code,
        min(years_ago) as years_ago,
        min(case when evidence_source = 'gp' then years_ago end) as gp_years_ago,
        min(case when evidence_source = 'hospital' then years_ago end) as hospital_years_ago
    from dated
    group by person_id, condition_code
),

coded as (
    select
        l.look_back,
        c.person_id,
        c.condition_code,
        coalesce(c.gp_years_ago < l.years, false) as in_gp,
        coalesce(c.hospital_years_ago < l.years, false) as in_hospital
    from latest as c
    inner join look_back as l on c.years_ago < l.years
),

suppressed as (  -- the milder condition beside a graver one, and which sources know the graver
    select
        c.look_back,
        c.person_id,
        h.suppresses_condition_code as condition_code,
        bool_or(c.in_gp) as in_gp,
        bool_or(c.in_hospital) as in_hospital
    from coded as c
    inner join condition_hierarchy as h on c.condition_code = h.condition_code
    group by c.look_back, c.person_id, h.suppresses_condition_code
),

seen as (  -- as all sources together show it, and as one alone would: who reads one source misses the graver in another
    select
        c.look_back,
        c.person_id,
        c.condition_code,
        s.condition_code is null as is_any,
        s.condition_code is null and c.in_gp as is_in_gp,
        s.condition_code is null and c.in_hospital as is_in_hospital,
        c.in_gp and not coalesce(s.in_gp, false) as is_gp_alone,
        c.in_hospital and not coalesce(s.in_hospital, false) as is_hospital_alone
    from coded as c
    left join suppressed as s
        on c.look_back = s.look_back and c.person_id = s.person_id and c.condition_code = s.condition_code
),

unit as (  -- conditions that a list counts as one are one, known to whoever knows one of them
    select
        c.look_back,
        l.condition_list,
        l.counted_as,
        c.person_id,
        bool_or(c.is_any) as is_any,
        bool_or(c.is_in_gp) as is_in_gp,
        bool_or(c.is_in_hospital) as is_in_hospital,
        bool_or(c.is_gp_alone) as is_gp_alone,
        bool_or(c.is_hospital_alone) as is_hospital_alone
    from seen as c
    inner join condition_list as l on c.condition_code = l.condition_code
    group by c.look_back, l.condition_list, l.counted_as, c.person_id
),

person_count as (
    select
        look_back,
        condition_list,
        person_id,
        count_if(is_any) as any_count,
        count_if(is_gp_alone) as gp_count,
        count_if(is_hospital_alone) as hospital_count,
        count_if(is_in_gp and not is_in_hospital) as gp_only_count,
        count_if(is_in_hospital and not is_in_gp) as hospital_only_count,
        count_if(is_in_gp and is_in_hospital) as both_count,
        count_if(is_any and not is_in_gp and not is_in_hospital) as mental_health_only_count
    from unit
    group by look_back, condition_list, person_id
),

costed as (
    select
        y.person_id,
        c.total_pence,
        cast(c.total_pence as decimal(38, 0)) * cast(c.total_pence as decimal(38, 0)) as total_squared
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
),

source_scope as (
    select v.source_scope
    from (
        values ('any'), ('gp'), ('hospital'), ('gp_only'), ('hospital_only'), ('both'), ('mental_health_only')
    ) as v(source_scope)
),

combined as (  -- people with equal counts in every scope together, before they are told apart by scope
    select
        n.look_back,
        n.condition_list,
        n.any_count,
        n.gp_count,
        n.hospital_count,
        n.gp_only_count,
        n.hospital_only_count,
        n.both_count,
        n.mental_health_only_count,
        count(*) as people_count,
        sum(c.total_pence) as total_pence,
        sum(c.total_squared) as total_squared
    from person_count as n
    inner join costed as c on n.person_id = c.person_id
    group by
        n.look_back, n.condition_list, n.any_count, n.gp_count, n.hospital_count, n.gp_only_count,
        n.hospital_only_count, n.both_count, n.mental_health_only_count
),

scoped as (
    select
        n.condition_list,
        n.look_back,
        v.source_scope,
        case v.source_scope
            when 'any' then n.any_count
            when 'gp' then n.gp_count
            when 'hospital' then n.hospital_count
            when 'gp_only' then n.gp_only_count
            when 'hospital_only' then n.hospital_only_count
            when 'both' then n.both_count
            else n.mental_health_only_count
        end as condition_count,
        n.people_count,
        n.total_pence,
        n.total_squared
    from combined as n
    cross join source_scope as v
),

with_some as (
    select
        condition_list,
        look_back,
        source_scope,
        case when condition_count >= 7 then '7+' else cast(condition_count as string) end as count_band,
        sum(people_count) as people_count,
        sum(total_pence) as total_pence,
        sum(total_squared) as total_squared
    from scoped
    where condition_count > 0
    group by
        condition_list,
        look_back,
        source_scope,
        case when condition_count >= 7 then '7+' else cast(condition_count as string) end
),

whole as (
    select count(*) as people_count, sum(total_pence) as total_pence, sum(total_squared) as total_squared
    from costed
),

cell as (
    select t.condition_list, l.look_back, v.source_scope
    from (select distinct condition_list from condition_list) as t
    cross join look_back as l
    cross join source_scope as v
),

with_none as (  -- everybody else: exact, since sums are whole numbers
    select
        e.condition_list,
        e.look_back,
        e.source_scope,
        '0' as count_band,
        max(w.people_count) - coalesce(sum(s.people_count), 0) as people_count,
        max(w.total_pence) - coalesce(sum(s.total_pence), 0) as total_pence,
        max(w.total_squared) - coalesce(sum(s.total_squared), 0) as total_squared
    from cell as e
    cross join whole as w
    left join with_some as s
        on e.condition_list = s.condition_list and e.look_back = s.look_back and e.source_scope = s.source_scope
    group by e.condition_list, e.look_back, e.source_scope
),

band as (
    select condition_list, look_back, source_scope, count_band, people_count, total_pence, total_squared
    from with_some
    union all
    select condition_list, look_back, source_scope, count_band, people_count, total_pence, total_squared
    from with_none
    where people_count > 0
),

spread as (  -- from whole numbers, so that large costs cancel exactly
    select
        condition_list,
        look_back,
        source_scope,
        count_band,
        cast(people_count as double) as people,
        cast(total_pence as double) / nullif(cast(people_count as double), 0) as mean_total,
        cast(
            cast(people_count as decimal(38, 0)) * total_squared
            - cast(total_pence as decimal(38, 0)) * cast(total_pence as decimal(38, 0)) as double
        ) / nullif(cast(people_count as double) * (cast(people_count as double) - 1), 0) as variance
    from band
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    s.condition_list,
    s.look_back,
    s.source_scope,
    s.count_band,
    cast(s.people as bigint) as people_count,
    cast(s.people as double) / nullif(cast(w.people_count as double), 0) as people_share,
    s.mean_total as mean_total_pence,
    case when s.variance >= 0 then sqrt(s.variance) end as sd_total_pence,
    s.mean_total
    - case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_low_pence,
    s.mean_total
    + case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_high_pence,
    r.completeness,
    p.exposure_rule
from spread as s
cross join whole as w
cross join rests_on as r
cross join run_parameters as p
