-- person_year: everybody registered on at least one day of the year, with the days registered.
-- Grain: one row per person and financial year.
-- Units: days, years of age. Source: person, registration, exposure_period, practice and lsoa (empty unless loaded).
with exposure as (  -- the registered days that fall in the year; periods share none
    select
        e.person_id,
        min(greatest(e.first_day, p.year_start)) as first_day,
        max(least(coalesce(e.final_day, p.year_end), p.year_end)) as final_day,
        cast(
            sum(
                cast(
                    least(coalesce(e.final_day, p.year_end), p.year_end) - greatest(e.first_day, p.year_start) as bigint
                ) + 1
            ) as int
        ) as registered_days
    from exposure_period as e
    cross join run_parameters as p
    where
        e.exposure_status = 'registered'
        and e.first_day <= p.year_end
        and coalesce(e.final_day, p.year_end) >= p.year_start
    group by e.person_id
),

spell as (  -- each registration within the year; a month of death ends it
    select
        r.person_id,
        r.practice_code,
        r.lsoa_code,
        r.deprivation_decile,
        r.decile_source,
        greatest(r.registered_from, p.year_start) as first_day,
        least(
            coalesce(r.registered_to, p.year_end), p.year_end, coalesce(last_day(n.death_month), p.year_end)
        ) as final_day
    from registration as r
    inner join person as n on r.person_id = n.person_id
    cross join run_parameters as p
),

place as (  -- the practice is that of the last registered day; area and decile are the last known
    select
        person_id,
        max_by(practice_code, (practice_code is not null, final_day, first_day, practice_code)) as practice_code,
        max_by(lsoa_code, (lsoa_code is not null, final_day, first_day, practice_code)) as lsoa_code,
        max_by(deprivation_decile, (deprivation_decile is not null, final_day, first_day, practice_code))
            as deprivation_decile,
        max_by(decile_source, (decile_source is not null, final_day, first_day, practice_code)) as decile_source
    from spell
    where first_day <= final_day
    group by person_id
),

aged as (
    select
        p.financial_year,
        e.person_id,
        e.registered_days,
        greatest(
            0, year(p.year_start) - n.birth_year - case when n.birth_month >= 4 then 1 else 0 end
        ) as age_start_of_year,
        greatest(
            0, year(p.year_start) - n.birth_year - case when n.birth_month >= 10 then 1 else 0 end
        ) as age_mid_year,
        n.sex_code,
        l.practice_code,
        l.lsoa_code,
        l.deprivation_decile,
        l.decile_source,
        e.first_day > p.year_start as is_joiner,
        e.final_day < p.year_end as is_leaver,
        n.birth_year * 12 + n.birth_month between year(p.year_start) * 12 + month(p.year_start)
        and year(p.year_end) * 12 + month(p.year_end) as is_birth_in_year,
        coalesce(n.death_month between p.year_start and p.year_end, false) as died_in_year
    from exposure as e
    inner join person as n on e.person_id = n.person_id
    inner join place as l on e.person_id = l.person_id
    cross join run_parameters as p
)

select
    g.financial_year,
    g.person_id,
    g.registered_days,
    cast(g.age_start_of_year as int) as age_start_of_year,
    cast(g.age_mid_year as int) as age_mid_year,
    case
        when g.age_mid_year >= 90 then '90+'
        else
            cast(cast(floor(g.age_mid_year / 5) * 5 as int) as string)
            || '-'
            || cast(cast(floor(g.age_mid_year / 5) * 5 + 4 as int) as string)
    end as age_band,
    g.sex_code,
    g.practice_code,
    g.lsoa_code,
    g.deprivation_decile,
    g.decile_source,
    t.is_in_area as is_registered_in_area,
    a.is_in_area as is_resident_in_area,
    g.is_joiner,
    g.is_leaver,
    g.is_birth_in_year,
    g.died_in_year
from aged as g
left join practice as t on g.practice_code = t.practice_code
left join lsoa as a on g.lsoa_code = a.lsoa_code
