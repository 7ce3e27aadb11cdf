-- The oldest transaction whose changes no set of a target has yet. No row where there is none. {tracking} and {xid} are put in
-- by the program. Parameters: what the last set has seen (three times).
select min(xid)::text as oldest
  from (select min({xid}) as xid from {tracking} where {xid} >= pg_snapshot_xmax(?::pg_snapshot)
        union all
        select min({xid}) from {tracking} where {xid} = any (array(select pg_snapshot_xip(?::pg_snapshot)))
           and not pg_visible_in_snapshot({xid}, ?::pg_snapshot)) as unseen
having min(xid) is not null
