-- When the last sets of each table were applied.
select s.table_schema, s.table_name, h.set_number, extract(epoch from h.applied_at) as applied
  from caravan.import_set s
 cross join lateral (select set_number, applied_at
                       from caravan.import_history h
                      where h.table_schema = s.table_schema and h.table_name = s.table_name
                      order by h.set_number desc
                      limit 100) h
