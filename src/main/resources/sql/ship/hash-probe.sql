-- Tells whether two servers hash alike: they may differ in byte order, in their version, and in how they write characters.
select hashtextextended('pgcaravan ' || current_setting('server_encoding') collate "C", 0)::text
       || ':' || hashtextextended('' collate "C", 0)::text
       || ':' || hashint8extended(4711471147114711, 0)::text
