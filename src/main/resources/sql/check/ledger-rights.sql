-- The ledger's tables that the role may not write, in words.
select string_agg(name, ', ' order by name)
from (values ('pgq_ext.completed_tick'), ('caravan.position'), ('caravan.dead_letter'), ('caravan.partition')) as t (name)
where not (has_table_privilege(name, 'select') and has_table_privilege(name, 'insert')
           and has_table_privilege(name, 'update'))
