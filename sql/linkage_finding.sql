-- linkage_finding: how many identifiers are odd, and how.
-- Grain: one row per finding, feed and pseudonym domain.
-- Units: identifiers; records. Source: identifier_finding; identifier_link for those that no feed uses.
with by_identifier as (
    select pseudonym_domain, pseudonym, finding_code, sum(record_count) as record_count
    from identifier_finding
    group by pseudonym_domain, pseudonym, finding_code
)

select
    finding_code,
    feed,
    pseudonym_domain,
    max(action) as action,
    cast(count(*) as bigint) as identifier_count,
    cast(sum(record_count) as bigint) as record_count
from identifier_finding
group by finding_code, feed, pseudonym_domain
union all
select
    l.finding as finding_code,
    'all' as feed,
    l.pseudonym_domain,
    case when l.finding = 'circle' then 'report' else 'unlink' end as action,
    cast(count(*) as bigint) as identifier_count,
    cast(coalesce(sum(u.record_count), 0) as bigint) as record_count
from identifier_link as l
left join by_identifier as u
    on l.pseudonym_domain = u.pseudonym_domain and l.pseudonym = u.pseudonym and l.finding = u.finding_code
where l.finding is not null
group by l.finding, l.pseudonym_domain
