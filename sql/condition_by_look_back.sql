-- condition_by_look_back: how common each condition is by look-back, and who knows of it.
-- Grain: one row per financial year, condition and look-back, also if nobody has it.
-- Denominator: all registered people. Source: condition, condition_evidence, condition_hierarchy, person_year,
-- feed_completeness.
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

suppressed as (  -- the milder condition beside a graver one
    select c.look_back, c.person_id, h.suppresses_condition_code as condition_code
    from coded as c
    inner join condition_hierarchy as h on c.condition_code = h.condition_code
),

in_force as (
    select
        c.look_back,
        c.condition_code,
        count(*) as people_count,
        sum(case when c.in_gp and not c.in_hospital then 1 else 0 end) as gp_only_count,
        sum(case when c.in_hospital and not c.in_gp then 1 else 0 end) as hospital_only_count,
        sum(case when c.in_gp and c.in_hospital then 1 else 0 end) as both_count,
        sum(case when c.in_gp or c.in_hospital then 0 else 1 end) as mental_health_only_count
    from coded as c
    where
        not exists (
            select 1
            from suppressed as s
            where s.look_back = c.look_back and s.person_id = c.person_id and s.condition_code = c.condition_code
        )
    group by c.look_back, c.condition_code
),

registered as (select count(*) as people_count from person_year),

rests_on as (  -- the least complete feed of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where feed in ('gp_coded_event', 'apc_spell', 'mh_diagnosis')
)

select
    p.financial_year,
    n.condition_code,
    l.look_back,
    cast(coalesce(c.people_count, 0) as bigint) as people_count,
    cast(coalesce(c.people_count, 0) as double) / nullif(cast(g.people_count as double), 0) as prevalence,
    cast(coalesce(c.gp_only_count, 0) as bigint) as gp_only_count,
    cast(coalesce(c.hospital_only_count, 0) as bigint) as hospital_only_count,
    cast(coalesce(c.both_count, 0) as bigint) as both_count,
    cast(coalesce(c.mental_health_only_count, 0) as bigint) as mental_health_only_count,
    r.completeness,
    p.exposure_rule
from condition as n
cross join look_back as l
left join in_force as c on n.condition_code = c.condition_code and l.look_back = c.look_back
cross join registered as g
cross join rests_on as r
cross join run_parameters as p
