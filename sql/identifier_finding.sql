-- identifier_finding: what is odd about an identifier in a feed.
-- Grain: one row per feed, pseudonym domain, pseudonym and finding.
-- Units: records. Source: identifier_use of all years, identifier_link, person_identifier, patient_register,
-- linkage_rule.
with used as (  -- of all providers and years; a dummy is nobody anyway
    select
        u.feed,
        u.pseudonym_domain,
        u.pseudonym,
        sum(u.record_count) as record_count,
        min(u.sex_code) as least_sex_code,
        max(u.sex_code) as greatest_sex_code,
        bool_or(u.has_both_sexes) as has_both_sexes,
        min(u.earliest_birth_year) as earliest_birth_year,
        max(u.latest_birth_year) as latest_birth_year
    from identifier_use as u
    where not exists (select 1 from dummy_pseudonym as d where u.pseudonym = d.pseudonym)
    group by u.feed, u.pseudonym_domain, u.pseudonym
),

by_year as (
    select feed, pseudonym_domain, pseudonym, sum(record_count) as record_count
    from identifier_use
    group by financial_year, feed, pseudonym_domain, pseudonym
),

busiest as (
    select feed, pseudonym_domain, pseudonym, max(record_count) as record_count
    from by_year
    group by feed, pseudonym_domain, pseudonym
),

feed_used as (
    select distinct feed
    from used
),

ranked_rule as (  -- what is said of a feed goes before what is said of all
    select
        f.feed,
        r.rule_code,
        r.most,
        r.action,
        row_number() over (
            partition by f.feed, r.rule_code order by case when r.feed = 'all' then 2 else 1 end asc nulls last
        ) as place
    from feed_used as f
    inner join linkage_rule as r on r.feed in (f.feed, 'all')
),

rule as (
    select feed, rule_code, most, action
    from ranked_rule
    where place = 1
),

registered as (  -- all that the register says of a person, since an older entry may be the true one
    select
        i.person_id,
        min(cast(substr(r.birth_month, 1, 4) as int)) as earliest_birth_year,
        max(cast(substr(r.birth_month, 1, 4) as int)) as latest_birth_year,
        min(case when r.sex_code in ('1', '2') then r.sex_code end) as least_sex_code,
        max(case when r.sex_code in ('1', '2') then r.sex_code end) as greatest_sex_code
    from patient_register as r
    inner join person_identifier as i on r.pseudonym_domain = i.pseudonym_domain and r.pseudonym = i.pseudonym
    group by i.person_id
),

linked as (
    select
        u.feed,
        u.pseudonym_domain,
        u.pseudonym,
        u.record_count,
        coalesce(
            not u.has_both_sexes
            and u.least_sex_code = u.greatest_sex_code
            and n.least_sex_code = n.greatest_sex_code
            and u.least_sex_code <> n.least_sex_code,
            false
        ) as has_sex_conflict,
        greatest(u.earliest_birth_year - 1 - n.latest_birth_year, n.earliest_birth_year - u.latest_birth_year - 1)
            as years_apart
    from used as u
    inner join person_identifier as i on u.pseudonym_domain = i.pseudonym_domain and u.pseudonym = i.pseudonym
    inner join registered as n on i.person_id = n.person_id
),

stranger as (
    select
        u.feed,
        u.pseudonym_domain,
        u.pseudonym,
        u.record_count,
        sum(u.record_count) over (partition by u.pseudonym_domain, u.pseudonym) as everywhere_count
    from used as u
    left join person_identifier as i on u.pseudonym_domain = i.pseudonym_domain and u.pseudonym = i.pseudonym
    where i.person_id is null
),

found as (
    select u.feed, u.pseudonym_domain, u.pseudonym, r.rule_code as finding_code, r.action, u.record_count
    from used as u
    inner join busiest as b
        on u.feed = b.feed and u.pseudonym_domain = b.pseudonym_domain and u.pseudonym = b.pseudonym
    inner join rule as r on u.feed = r.feed and r.rule_code = 'impossible_volume' and b.record_count > r.most
    union all
    select
        u.feed, u.pseudonym_domain, u.pseudonym, l.finding,
        case when l.finding = 'circle' then 'report' else 'unlink' end, u.record_count
    from used as u
    inner join identifier_link as l on u.pseudonym_domain = l.pseudonym_domain and u.pseudonym = l.pseudonym
    where l.finding is not null
    union all
    select l.feed, l.pseudonym_domain, l.pseudonym, r.rule_code, r.action, l.record_count
    from linked as l
    inner join rule as r on l.feed = r.feed and r.rule_code = 'birth_year_conflict' and l.years_apart > r.most
    union all
    select l.feed, l.pseudonym_domain, l.pseudonym, r.rule_code, r.action, l.record_count
    from linked as l
    inner join rule as r on l.feed = r.feed and r.rule_code = 'sex_conflict'
    where l.has_sex_conflict
    union all
    select s.feed, s.pseudonym_domain, s.pseudonym, r.rule_code, r.action, s.record_count
    from stranger as s
    inner join rule as r on s.feed = r.feed and r.rule_code = 'one_time' and s.everywhere_count <= r.most
)

select
    feed,
    pseudonym_domain,
    pseudonym,
    finding_code,
    action,
    cast(record_count as bigint) as record_count
from found
