-- Events into a queue, in the order of the arrays; their new ids.
select %s.insert_event(?, type, data, extra1, extra2, extra3, extra4)
from (
    select *
    from unnest(?, ?, ?, ?, ?, ?) with ordinality as event (type, data, extra1, extra2, extra3, extra4, n)
    order by n
) events
