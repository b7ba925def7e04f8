-- registration: with which practice a person was registered when, and where they lived.
-- Grain: one row per person and first day of a registration; of two that start on one day the longer one stays.
-- Source: patient_register, person_identifier, practice and lsoa (empty unless loaded).
with ranked as (
    select
        i.person_id,
        r.registered_from,
        r.registered_to,
        r.practice_code,
        r.lsoa_code,
        r.deprivation_decile,
        row_number() over (
            partition by i.person_id, r.registered_from
            order by r.registered_to desc nulls first, r.pseudonym asc nulls last
        ) as place
    from patient_register as r
    inner join person_identifier as i on r.pseudonym_domain = i.pseudonym_domain and r.pseudonym = i.pseudonym
)

select
    r.person_id,
    r.registered_from,
    r.registered_to,
    r.practice_code,
    r.lsoa_code,
    coalesce(a.deprivation_decile, r.deprivation_decile) as deprivation_decile,
    case
        when a.deprivation_decile is not null then 'lsoa'
        when r.deprivation_decile is not null then 'patient_register'
    end as decile_source,
    t.is_in_area as is_registered_in_area,
    a.is_in_area as is_resident_in_area
from ranked as r
left join practice as t on r.practice_code = t.practice_code
left join lsoa as a on r.lsoa_code = a.lsoa_code
where r.place = 1
