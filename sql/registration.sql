-- registration: with which practice a person was registered when.
-- Grain: one row per person and first day of a registration; of two that start on one day the longer one stays.
-- Source: patient_register, person_identifier.
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

select person_id, registered_from, registered_to, practice_code, lsoa_code, deprivation_decile
from ranked
where place = 1
