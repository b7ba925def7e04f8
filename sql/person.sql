-- person: who a person is, by the most recent known value of each attribute, and how many sources say otherwise.
-- Grain: one row per person on the register.
-- Source: patient_register, person_identifier, identifier_use and identifier_exclusion.
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
        max_by(known_sex_code, (known_sex_code is not null, registered_from, pseudonym)) as known_sex_code,
        max_by(ethnic_category_code, (ethnic_category_code is not null, registered_from, pseudonym))
            as ethnic_category_code,
        max_by(known_ethnic_code, (known_ethnic_code is not null, registered_from, pseudonym)) as known_ethnic_code,
        max(death_month) as death_month
    from register
    group by person_id
),

said as (  -- by feed; what an excluded identifier says contradicts, and is no value of the person
    select
        i.person_id,
        u.feed,
        u.last_month,
        u.ethnic_month,
        case when x.reason is null then u.sex_code end as sex_code,
        case when x.reason is null then u.ethnic_category_code end as ethnic_category_code,
        u.has_both_sexes or coalesce(u.sex_code = '1', false) as says_male,
        u.has_both_sexes or coalesce(u.sex_code = '2', false) as says_female,
        u.earliest_birth_year,
        u.latest_birth_year
    from identifier_use as u
    inner join person_identifier as i on u.pseudonym_domain = i.pseudonym_domain and u.pseudonym = i.pseudonym
    left join identifier_exclusion as x
        on u.feed = x.feed and u.pseudonym_domain = x.pseudonym_domain and u.pseudonym = x.pseudonym
),

told as (  -- over pseudonyms, providers and years
    select
        person_id,
        feed,
        max_by(sex_code, (sex_code is not null, last_month, sex_code)) as sex_code,
        max(case when sex_code is not null then last_month end) as sex_month,
        bool_or(says_male) as says_male,
        bool_or(says_female) as says_female,
        min(earliest_birth_year) as earliest_birth_year,
        max(latest_birth_year) as latest_birth_year,
        max_by(ethnic_category_code, (ethnic_category_code is not null, ethnic_month, ethnic_category_code))
            as ethnic_category_code,
        max(case when ethnic_category_code is not null then ethnic_month end) as ethnic_month
    from said
    group by person_id, feed
),

told_last as (
    select
        person_id,
        max_by(sex_code, (sex_code is not null, sex_month, feed)) as sex_code,
        max_by(feed, (feed is not null, sex_code is not null, sex_month, feed)) as sex_feed,
        max_by(ethnic_category_code, (ethnic_category_code is not null, ethnic_month, feed)) as ethnic_category_code,
        max_by(feed, (feed is not null, ethnic_category_code is not null, ethnic_month, feed)) as ethnic_feed
    from told
    group by person_id
),

chosen as (  -- the register's known value, else the feeds' last, else what stands on the register
    select
        l.person_id,
        l.birth_month,
        cast(substr(l.birth_month, 1, 4) as int) as birth_year,
        coalesce(l.known_sex_code, t.sex_code, l.sex_code) as sex_code,
        case
            when l.known_sex_code is not null then 'patient_register'
            when t.sex_code is not null then t.sex_feed
        end as sex_source,
        coalesce(l.known_ethnic_code, t.ethnic_category_code, l.ethnic_category_code) as ethnic_category_code,
        case
            when l.known_ethnic_code is not null then 'patient_register'
            when t.ethnic_category_code is not null then t.ethnic_feed
        end as ethnicity_source,
        l.death_month
    from latest as l
    left join told_last as t on l.person_id = t.person_id
),

other_registration as (
    select
        c.person_id,
        sum(case when r.birth_month <> c.birth_month then 1 else 0 end) as birth_count,
        sum(case when r.known_sex_code <> c.sex_code then 1 else 0 end) as sex_count
    from register as r
    inner join chosen as c on r.person_id = c.person_id
    group by c.person_id
),

other_feed as (  -- an age in whole years leaves two years of birth open, a stay over the end of a year one more
    select
        c.person_id,
        sum(
            case
                when t.earliest_birth_year < c.birth_year - 1 or t.latest_birth_year > c.birth_year + 2 then 1 else 0
            end
        ) as birth_count,
        sum(
            case
                when c.sex_code = '1' and t.says_female then 1 when c.sex_code = '2' and t.says_male then 1 else 0
            end
        ) as sex_count
    from told as t
    inner join chosen as c on t.person_id = c.person_id
    group by c.person_id
)

select
    c.person_id,
    c.birth_year,
    cast(substr(c.birth_month, 6, 2) as int) as birth_month,
    'patient_register' as birth_source,
    c.sex_code,
    c.sex_source,
    c.ethnic_category_code,
    c.ethnicity_source,
    cast(c.death_month || '-01' as date) as death_month,
    case when c.death_month is not null then 'patient_register' end as death_source,
    cast(r.birth_count as int) as birth_conflict_registrations,
    cast(coalesce(f.birth_count, 0) as int) as birth_conflict_feeds,
    cast(r.sex_count as int) as sex_conflict_registrations,
    cast(coalesce(f.sex_count, 0) as int) as sex_conflict_feeds,
    r.birth_count + coalesce(f.birth_count, 0) > 0 as has_birth_conflict,
    r.sex_count + coalesce(f.sex_count, 0) > 0 as has_sex_conflict
from chosen as c
inner join other_registration as r on c.person_id = r.person_id
left join other_feed as f on c.person_id = f.person_id
