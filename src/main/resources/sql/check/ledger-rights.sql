-- What the role may not do with the ledger's tables, in words. Parameter: whether it makes partitions.
select string_agg(privilege || ' on ' || name, ', ' order by name, privilege)
from (values ('pgq_ext.completed_tick', 'select', false), ('pgq_ext.completed_tick', 'insert', false),
             ('pgq_ext.completed_tick', 'update', false), ('caravan.position', 'select', false),
             ('caravan.position', 'insert', false), ('caravan.position', 'update', false),
             ('caravan.dead_letter', 'insert', false), ('caravan.partition', 'select', false),
             ('caravan.partition', 'insert', true), ('caravan.partition', 'update', true)) as t (name, privilege, parted)
where not has_table_privilege(name, privilege) and (? or not parted)
