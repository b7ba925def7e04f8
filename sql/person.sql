-- person: who a person is, by the most recent known value of each attribute.
-- Grain: one row per person on the register.
-- Source: patient_register, person_identifier.
with register as (  -- every registration, under its person
    select
        i.person_id,
        r.birth_month,
        case when r.sex_code in ('1', '2', '9') then r.sex_code end as known_sex_code,
        case when r.ethnic_category_code not in ('Z', '99') then r.ethnic_category_code end as known_ethnic_code,
        r.sex_code,
        r.ethnic_category_code,
        r.death_month,
        r.registered_from,
        r.pseudonym
    from patient_register as r
    inner join person_identifier as i on r.pseudonym_domain = i.pseudonym_domain and r.pseudonym = i.pseudonym
),

latest as (  -- a key begins with `is not null` since engines differ on whether a null may win
    select
        person_id,
        max_by(birth_month, (birth_month is not null, registered_from, pseudonym)) as birth_month,
        max_by(sex_code, (sex_code is not null, registered_from, pseudonym)) as sex_code,
        max_by(ethnic_category_code, (ethnic_category_code is not null, registered_from, pseudonym))
            as ethnic_category_code,
        max(death_month) as death_month,
        count(distinct birth_month) as birth_months,
        count(distinct known_sex_code) as known_sexes
    from register
    group by person_id
),

latest_known_sex as (
    select person_id, max_by(known_sex_code, (registered_from, pseudonym)) as sex_code
    from register
    where known_sex_code is not null
    group by person_id
),

latest_known_ethnicity as (
    select person_id, max_by(known_ethnic_code, (registered_from, pseudonym)) as ethnic_category_code
    from register
    where known_ethnic_code is not null
    group by person_id
)

select
    l.person_id,
    cast(substr(l.birth_month, 1, 4) as int) as birth_year,
    cast(substr(l.birth_month, 6, 2) as int) as birth_month,
    coalesce(s.sex_code, l.sex_code) as sex_code,
    coalesce(e.ethnic_category_code, l.ethnic_category_code) as ethnic_category_code,
    cast(l.death_month || '-01' as date) as death_month,
    'patient_register' as source_feed,
    l.birth_months > 1 as has_birth_conflict,
    l.known_sexes > 1 as has_sex_conflict
from latest as l
left join latest_known_sex as s on l.person_id = s.person_id
left join latest_known_ethnicity as e on l.person_id = e.person_id
