-- The oldest transaction whose changes no set of a target has yet. No row where there is none. {tracking} and {xid} are put in
-- by the program. Parameters: what the last set has seen (three times). Without min(), which PostgreSQL 13 and 14 do not have
-- for xid8.
select xid::text as oldest
  from ((select {xid} as xid from {tracking} where {xid} >= pg_snapshot_xmax(?::pg_snapshot) order by {xid} limit 1)
        union all
        (select {xid} from {tracking} where {xid} = any (array(select pg_snapshot_xip(?::pg_snapshot)))
            and not pg_visible_in_snapshot({xid}, ?::pg_snapshot) order by {xid} limit 1)) as unseen
 order by xid
 limit 1
