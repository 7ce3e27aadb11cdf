package io.pgcaravan.cli;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan check} finds what would stop a job, says so in words, and leaves both databases as they are. */
class CheckTest {

    /** Everything that a check might leave behind: relations with their rows, functions, types, columns, locks. */
    private static final String CONTENT = """
            select md5(string_agg(line, e'\\n' order by line)) from (
                select 'class ' || oid || relname || relkind::text as line from pg_class
                union all select 'proc ' || oid from pg_proc
                union all select 'type ' || oid from pg_type
                union all select 'namespace ' || oid || nspname from pg_namespace
                union all select 'constraint ' || oid || conname from pg_constraint
                union all select 'attribute ' || attrelid || attname from pg_attribute
                union all select 'inherits ' || inhrelid || inhparent from pg_inherits
                union all select 'rows ' || c.oid || (xpath('/row/c/text()', query_to_xml(
                                 format('select count(*) || coalesce(md5(string_agg(t::text, '','' order by t::text)), '''') as c'
                                        ' from %I.%I t', nspname, relname), false, true, '')))[1]
                    from pg_class c join pg_namespace n on n.oid = relnamespace
                    where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
                union all select 'sequence ' || s::text from pg_sequences s) as lines""";

    @TempDir
    private Path directory;

    private final Map<String, String> keys = new LinkedHashMap<>();
    private String template;
    private String route;
    private boolean listed;
    private String sourceUrl;
    private String targetUrl;
    private Connection source;
    private Connection target;

    @BeforeEach
    void make_both_sides() throws SQLException {
        sourceUrl = PgServer.get().createDatabaseWithPgq("check_source");
        targetUrl = PgServer.get().createDatabase("check_target");
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        execute(
                source,
                "create table orders (id bigint primary key, customer text, amount numeric(10,2), created_at timestamp not null)",
                "select pgq.create_queue('orders')",
                "create trigger orders_queue after insert or update or delete on orders for each row execute function"
                        + " pgq.logutriga('orders', 'backup')",
                "select pgq.ticker()");
        keys.put("database.sourceDb.url", sourceUrl);
        keys.put("database.targetDb.url", targetUrl);
        keys.put("dispatch.rowMode", "plain");
    }

    @AfterEach
    void disconnect() throws SQLException {
        source.close();
        target.close();
    }

    @Test
    void a_job_that_can_run_is_found_to_and_nothing_changes() throws Exception {
        partitionedTarget();
        assertThat(check().out())
                .contains("warning  dispatch: function pgq.logutriga writes values as each session has DateStyle,")
                .contains("as its owner: alter function pgq.logutriga() set bytea_output");
        pin();

        CommandRun run = check();

        assertThat(run.status()).as(run.out() + run.err()).isZero();
        assertThat(run.out().lines())
                .allMatch(line -> line.startsWith("ok       "))
                .anyMatch(line -> line.contains("dispatch: source: database \"check_source"))
                .anyMatch(line -> line.contains("PgQ 3"))
                .anyMatch(line -> line.contains("queue \"orders\" had its last tick"))
                .anyMatch(line ->
                        line.contains("trigger \"orders_queue\" on public.orders writes inserts, updates (with the"
                                        + " old row) and deletes")
                                && line.contains("it refuses updates that change the key (id)"))
                .anyMatch(line -> line.contains("ledger") && line.contains("the job may install it"))
                .anyMatch(
                        line -> line.contains("is not registered yet; the job registers it at the queue's latest tick"))
                .anyMatch(line -> line.contains("a partition can be made: tried with public.orders_"))
                .anyMatch(line -> line.contains("4 columns of public.orders go into table public.orders"))
                .anyMatch(line -> line.contains("has a unique key for rows of public.orders (id)"))
                .anyMatch(line -> line.contains("dispatch-rows: is off"));
        assertThat(run.err()).isEmpty();
    }

    @Test
    void a_second_table_of_a_step_of_ones_own_is_not_compared() throws Exception {
        partitionedTarget();
        pin();
        execute(target, "create table seen (id bigint)");
        keys.put("dispatch.enabled", "false");
        route = """
                - route:
                    id: two
                    from:
                      uri: pgq:orders
                      parameters: {consumer: two, source: "#sourceDb", target: "#targetDb"}
                      steps:
                        - split:
                            simple: "${body.events}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:logutriga", parameters: {eventTypes: I}}
                              - to: {uri: "pgq-partition:public.orders", parameters: {partField: created_at, period: day}}
                              - multicast:
                                  steps:
                                    - to: {uri: "pgq-copy:public.orders", parameters: {rowMode: append}}
                                    - pipeline:
                                        steps:
                                          - to: {uri: "sql:insert into public.seen values (:#id)", parameters: {dataSource: "#targetDb", noop: true}}
                                          - to: pgq-loaded:public.seen
                """;
        CommandRun run = check();
        assertThat(run.out()).doesNotContain("problem").contains("go into table public.orders");
    }

    @Test
    void the_roles_own_time_limits_do_not_end_a_check() throws Exception {
        partitionedTarget();
        pin();
        for (Connection side : new Connection[] {source, target}) {
            execute(side, "alter database " + name(side) + " set idle_in_transaction_session_timeout = '1ms'");
        }
        assertThat(check().out()).doesNotContain("broke off").doesNotContain("problem");
    }

    @Test
    void the_template_is_tried_and_rolled_back() throws Exception {
        execute(target, "create table orders (id bigint, customer text, amount numeric(10,2), created_at timestamp)");
        template = "create table _DEST_TABLE () inherits (_PARENT); alter table only _DEST_TABLE add constraint"
                + " _DEST_TABLE_pkey primary key (_PKEY);";

        CommandRun run = check();

        assertThat(run.status()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("a partition can be made by the template: tried with public.orders_");
        assertThat(run.out()).contains("has a unique key for rows of public.orders (id)");
    }

    @Test
    void a_template_that_fails_is_a_problem_with_the_servers_words() throws Exception {
        execute(target, "create table orders (id bigint, customer text, amount numeric(10,2), created_at timestamp)");
        template = "create table _DEST_TABLE (like orders including nonsense);";

        CommandRun run = check();

        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out()).containsPattern("problem  dispatch: .*orders_\\d.*syntax error at or near \"nonsense\"");
    }

    @Test
    void columns_keys_and_types_that_do_not_fit_are_told() throws Exception {
        execute(
                target,
                "create table orders (id integer, customer varchar(3) not null, shop text not null, created_at timestamptz"
                        + " not null) partition by range (created_at)");
        keys.put("dispatch.fields", "*");

        CommandRun run = check();

        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out())
                .contains(
                        "warning  dispatch: column \"id\" is bigint in public.orders and integer in table public.orders",
                        "warning  dispatch: column \"customer\" is text",
                        "warning  dispatch: column \"created_at\" is timestamp without time zone",
                        "problem  dispatch: column \"amount\" of public.orders is not there in table public.orders: add it",
                        "problem  dispatch: column \"shop\" of table public.orders is NOT NULL without a default",
                        "warning  dispatch: table public.orders has no index on (id)");
    }

    @Test
    void a_table_with_too_many_columns_for_keyed_rows_is_told() throws Exception {
        execute(
                target,
                "do $$ begin execute 'create table orders (id bigint primary key, customer text, amount numeric(10,2), created_at"
                        + " timestamp not null, ' || (select string_agg('c' || i || ' int', ', ') from generate_series(1, 1593) i)"
                        + " || ')'; end $$");
        template = "create table _DEST_TABLE (like _PARENT including all);";
        assertThat(check().out())
                .contains(
                        "problem  dispatch: table public.orders has 1597 columns, and rowMode=plain takes at most 1594");
    }

    @Test
    void partitions_without_the_row_security_of_their_parent_are_told() throws Exception {
        partitionedTarget();
        execute(
                target,
                "create table orders_open partition of orders for values from ('2020-01-01') to ('2020-02-01')",
                "alter table orders enable row level security");
        assertThat(check().out())
                .contains(
                        "problem  dispatch: table public.orders has row level security, and partitions of it have not")
                .contains("enable row level security for orders_open");
    }

    @Test
    void two_routes_with_one_consumer_are_refused_by_both_names() throws Exception {
        partitionedTarget();
        keys.put("dispatch-rows.enabled", "true");
        keys.put("dispatch-rows.consumer", "dispatch");
        keys.put("dispatch-rows.queue", "orders");
        CommandRun run = check();
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out())
                .contains(
                        "problem  dispatch: will not start: consumer \"dispatch\" is also that of route \"dispatch-rows\"")
                .contains(
                        "problem  dispatch-rows: will not start: consumer \"dispatch\" is also that of route \"dispatch\"");
    }

    @Test
    void fields_that_nobody_has_are_told() throws Exception {
        partitionedTarget();
        keys.put("dispatch.fields", "id, custmer, created_at");

        CommandRun run = check();

        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out())
                .contains("problem  dispatch: fields names column \"custmer\", which public.orders at the source");
        keys.put("dispatch.fields", "id, customer");
        assertThat(check().out()).contains("problem  dispatch: partField = created_at is no column of the rows");
        keys.put("dispatch.fields", "customer, created_at");
        assertThat(check().out()).contains("its column \"id\" is not taken: add it to fields");
    }

    @Test
    void appending_updates_under_a_unique_key_is_warned_of() throws Exception {
        execute(target, "create table orders (id bigint, customer text, amount numeric(10,2), created_at timestamp)");
        template = "create table _DEST_TABLE (like _PARENT, primary key (_PKEY));";
        keys.put("dispatch.rowMode", "append");

        CommandRun run = check();

        assertThat(run.status()).as(run.out()).isZero();
        assertThat(run.out())
                .contains(
                        "warning  dispatch: every event becomes a row of table public.orders, and an update or a delete of"
                                + " public.orders would break its unique key (id): choose rowMode=keep_latest or plain");
    }

    @Test
    void what_is_missing_is_told_with_how_to_make_it() throws Exception {
        keys.put("dispatch.queue", "nothing");
        CommandRun run = check();
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out())
                .contains(
                        "problem  dispatch: there is no queue \"nothing\"",
                        "caravan queue create nothing",
                        "problem  dispatch: there is no table public.orders on the target: create it");
        keys.put("database.sourceDb.url", targetUrl);
        assertThat(check().out()).contains("problem  dispatch: there is no PgQ in database", "create extension pgq");
    }

    @Test
    void rights_that_the_roles_lack_are_told() throws Exception {
        partitionedTarget();
        String role = "checked_" + ProcessHandle.current().pid();
        execute(source, "drop role if exists " + role, "create role " + role + " login password 'secret'");
        try {
            keys.put("database.sourceDb.user", role);
            keys.put("database.sourceDb.password", "secret");
            keys.put("database.targetDb.user", role);
            keys.put("database.targetDb.password", "secret");
            CommandRun run = check();
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.out())
                    .contains(
                            "problem  dispatch: role \"" + role + "\" may not consume queues",
                            "grant pgq_reader to \"" + role + "\"",
                            "problem  dispatch: the ledger (schemas pgq_ext and caravan): ")
                    .doesNotContain("secret");
            execute(source, "grant pgq_reader to " + role);
            execute(target, "grant create on database \"" + name(target) + "\" to " + role);
            run = check();
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.out())
                    .contains("which \"" + role + "\" may use", "the job may install it")
                    .containsPattern("problem  dispatch: table public.orders: .*(permission denied|must be owner)");
            execute(target, "alter table orders owner to " + role, "grant create on schema public to " + role);
            run = check();
            assertThat(run.status()).as(run.out()).isZero();
        } finally {
            execute(target, "drop owned by " + role);
            execute(source, "drop owned by " + role, "drop role " + role);
        }
    }

    @Test
    void a_ledger_of_an_earlier_version_that_another_role_owns_is_told_before_the_job_meets_it() throws Exception {
        partitionedTarget();
        String role = "checked_" + ProcessHandle.current().pid();
        execute(source, "drop role if exists " + role, "create role " + role + " login password 'secret'");
        try {
            keys.put("database.targetDb.user", role);
            keys.put("database.targetDb.password", "secret");
            execute(
                    target,
                    "create schema caravan",
                    "alter table orders owner to " + role,
                    "grant create on schema public to " + role,
                    io.pgcaravan.sql.Sql.file("target/pgq_ext"),
                    io.pgcaravan.sql.Sql.file("target/caravan.position"),
                    io.pgcaravan.sql.Sql.file("target/caravan.dead_letter"),
                    io.pgcaravan.sql.Sql.file("target/caravan.partition"),
                    "grant usage on schema caravan, pgq_ext to " + role,
                    "grant all on all tables in schema caravan, pgq_ext to " + role);
            CommandRun run = check();
            assertThat(run.status()).as(run.out()).isZero();
            assertThat(run.out())
                    .contains(
                            "warning  dispatch: the role cannot keep the job's last error in caravan.job (ERROR: permission"
                                    + " denied for schema caravan");
            execute(target, "alter table caravan.position drop column account");
            run = check();
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.out())
                    .containsPattern(
                            "problem  dispatch: .*permission denied for schema caravan.*: this version adds to the ledger,"
                                    + " and the job's role may not; as the owner of the tables in schema caravan, run what caravan"
                                    + " grants prints");
        } finally {
            execute(target, "drop owned by " + role);
            execute(source, "drop owned by " + role, "drop role " + role);
        }
    }

    /** A text of the wrong form fits into such columns: nothing but these words would tell. */
    @Test
    void settings_that_change_values_are_named_although_the_targets_columns_take_any_text() throws Exception {
        execute(
                source,
                "create table events (id float8 primary key, at date)",
                "create trigger q after insert on events for each row execute function pgq.logutriga('orders')",
                "alter database \"" + name(source) + "\" set datestyle = 'SQL, DMY'",
                "alter database \"" + name(source) + "\" set extra_float_digits = 0");
        execute(
                target,
                "create table orders (id text, customer text, amount text, at json, created_at timestamp not null)"
                        + " partition by range (created_at)");
        CommandRun run = check();
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out())
                .containsPattern(
                        "problem  dispatch: .*has datestyle = SQL, DMY.*has extra_float_digits = 0: values that such"
                                + " sessions write arrive changed, or not at all; as the owner of the trigger function: alter");
        CommandRun status = CommandRun.of(
                "status",
                "--config",
                directory.resolve("config").toString(),
                "--routes",
                directory.resolve("routes").toString());
        assertThat(status.out()).containsPattern("WRONG  dispatch: .*has datestyle = SQL, DMY");
        pin();
        assertThat(check().out()).doesNotContain("has datestyle = SQL, DMY");
    }

    @Test
    void values_that_are_written_as_a_search_path_has_them_are_told() throws Exception {
        partitionedTarget();
        execute(source, "alter table orders add c regclass", "alter table orders add t regtype[]");
        execute(target, "alter table orders add c regclass", "alter table orders add t regtype[]");
        assertThat(check().out())
                .contains(
                        "warning  dispatch: column \"c\" of public.orders is of type regclass, whose values are written without",
                        "warning  dispatch: column \"t\" of public.orders is of type regtype[]");
    }

    @Test
    void time_limits_of_the_connection_itself_are_told() throws Exception {
        partitionedTarget();
        pin();
        keys.put("database.sourceDb.url", sourceUrl + "&options=-c%20statement_timeout=5s&socketTimeout=7");
        keys.put("database.targetDb.url", IniJob.conninfo(targetUrl) + " options='-c lock_timeout=90ms'");
        execute(target, "alter database \"" + name(target) + "\" set idle_in_transaction_session_timeout = '1s'");
        CommandRun run = check();
        assertThat(run.status()).as(run.out()).isZero();
        assertThat(run.out())
                .contains(
                        "warning  dispatch: source: the connection's options set statement_timeout = 5000 ms",
                        "warning  dispatch: source: the connection's socketTimeout is 7 s",
                        "warning  dispatch: target: the connection's options set lock_timeout = 90 ms")
                .doesNotContain("idle_in_transaction_session_timeout");
    }

    @Test
    void a_consumer_that_a_route_that_is_off_has_too_is_told() throws Exception {
        partitionedTarget();
        keys.put("dispatch-rows.consumer", "dispatch");
        CommandRun run = check();
        assertThat(run.status()).as(run.out()).isZero();
        assertThat(run.out()).contains("warning  dispatch: consumer \"dispatch\" is also that of dispatch-rows (off)");
    }

    @Test
    void where_source_and_target_stand_is_compared() throws Exception {
        partitionedTarget();
        execute(source, "select pgq.register_consumer('orders', 'dispatch')");
        assertThat(check().out())
                .contains("problem  dispatch: consumer \"dispatch\" is registered at tick 2, and the target knows"
                        + " nothing of it");
        execute(target, io.pgcaravan.sql.Sql.file("target/pgq_ext"), "select pgq_ext.set_last_tick('dispatch', 2)");
        assertThat(check().out()).contains("ok       dispatch: consumer \"dispatch\" goes on after tick 2");
        execute(target, "select pgq_ext.set_last_tick('dispatch', 77)");
        CommandRun lost = check();
        assertThat(lost.status()).isEqualTo(1);
        assertThat(lost.out()).contains("problem  dispatch: lost position", "tick 77", "rewind");
        execute(
                source,
                "insert into orders values (1, 'a', 1, '2026-10-02')",
                "select pgq.force_tick('orders')",
                "select pgq.ticker()");
        execute(source, "select pgq.next_batch('orders', 'dispatch')");
        execute(
                target,
                "select pgq_ext.set_last_tick('dispatch', " + value(source, "select max(tick_id) from pgq.tick") + ")");
        assertThat(check().out()).contains("open, which is in the target already (tick ");
    }

    @Test
    void a_trigger_that_is_off_or_of_another_format_is_told() throws Exception {
        partitionedTarget();
        execute(source, "alter table orders disable trigger orders_queue");
        assertThat(check().out()).contains("problem  dispatch: trigger \"orders_queue\" on public.orders is disabled");
        execute(
                source,
                "drop trigger orders_queue on orders",
                "create trigger other after insert or update on orders for each row execute function"
                        + " pgq.jsontriga('orders')");
        CommandRun run = check();
        assertThat(run.out())
                .contains(
                        "writes events of the format jsontriga, and the job reads them as logutriga: set pgq-decode:jsontriga",
                        "updates of public.orders come without the old row");
        execute(source, "drop trigger other on orders");
        assertThat(check().out()).contains("warning  dispatch: no trigger writes into queue \"orders\"");
    }

    @Test
    void somebody_elses_lock_is_not_waited_for_long() throws Exception {
        partitionedTarget();
        target.setAutoCommit(false);
        execute(target, "lock table orders in access exclusive mode");
        long before = System.nanoTime();
        CommandRun run = CommandRun.of(arguments());
        long seconds = (System.nanoTime() - before) / 1_000_000_000;
        target.rollback();
        assertThat(run.status()).as(run.out()).isZero();
        assertThat(run.out())
                .contains("warning  dispatch: table public.orders could not be tried out, because somebody else"
                        + " holds a lock on it");
        assertThat(seconds).isLessThan(40);
    }

    @Test
    void a_database_that_is_away_is_a_problem_and_the_other_one_is_still_looked_at() throws Exception {
        partitionedTarget();
        keys.put("database.sourceDb.url", "host=127.0.0.1 port=1 dbname=x user=y password=secret");
        CommandRun run = check();
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out())
                .contains("problem  dispatch: source: ", "cannot be reached: host 127.0.0.1:1: Connection refused")
                .contains("ok       dispatch: target: ", "a partition can be made")
                .doesNotContain("secret");
    }

    @Test
    void a_configuration_that_cannot_be_read_is_status_2() throws Exception {
        keys.put("dispatch.rowMode", "sometimes");
        CommandRun run = CommandRun.of(arguments());
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err()).contains("rowMode = sometimes");
        assertThat(CommandRun.of("check", "--config", directory.resolve("none").toString())
                        .status())
                .isEqualTo(2);
    }

    @Test
    void an_ini_file_is_checked_like_a_route() throws Exception {
        execute(target, "create table orders (id bigint, customer text, amount numeric(10,2), created_at timestamp)");
        Path ini = Files.writeString(
                directory.resolve("orders.ini"), """
                [table_dispatcher]
                job_name = orders_archive
                src_db = %s
                dst_db = %s
                pgq_queue_name = orders
                logfile = %%(job_name)s.log
                pidfile = %%(job_name)s.pid
                dest_table = orders
                part_field = created_at
                part_template = create table _DEST_TABLE (like orders);
                    alter table only _DEST_TABLE add constraint _DEST_TABLE_pkey primary key (id);
                """.formatted(IniJob.conninfo(sourceUrl), IniJob.conninfo(targetUrl)));
        String before = value(target, CONTENT);

        CommandRun run = CommandRun.of("check", ini.toString());

        assertThat(run.status()).as(run.out() + run.err()).isZero();
        assertThat(run.out())
                .contains(
                        "ok       orders_archive: a partition can be made by the template",
                        "warning  orders_archive: every event becomes a row");
        execute(source, "select pgq.register_consumer('orders', 'orders_archive')");
        run = CommandRun.of("check", ini.toString());
        assertThat(run.status()).as(run.out() + run.err()).isZero();
        assertThat(run.out())
                .contains(
                        "warning  orders_archive: consumer \"orders_archive\" is registered at tick 2, and the target knows"
                                + " nothing of it: the job begins there (acceptUnknownStart=true)");
        execute(source, "select pgq.unregister_consumer('orders', 'orders_archive')");
        assertThat(value(target, CONTENT)).isEqualTo(before);
        Files.writeString(ini, "[table_dispatcher]\n");
        assertThat(CommandRun.of("check", ini.toString()).status()).isEqualTo(2);
    }

    @Test
    void branches_for_tables_and_queues_that_events_go_to_are_followed() throws Exception {
        execute(
                source,
                "create table lines (id bigint primary key, order_id bigint)",
                "create trigger lines_queue after insert on lines for each row execute function pgq.logutriga('orders')");
        execute(target, "create extension pgq", "create table lines_archive (id bigint primary key, order_id integer)");
        route = """
                - route:
                    id: tables
                    from:
                      uri: pgq:orders
                      parameters: {consumer: tables, source: "#sourceDb", target: "#targetDb", chunkBy: table}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - choice:
                                  when:
                                    - simple: "${body.table} == 'public.lines'"
                                      steps:
                                        - to: pgq-decode:logutriga
                                        - to: {uri: "pgq-copy:lines_archive", parameters: {rowMode: plain}}
                                  otherwise:
                                    steps:
                                      - to: {uri: "pgq:rest", parameters: {source: "#targetDb"}}
                """;

        CommandRun run = check();

        assertThat(run.status()).as(run.out()).isEqualTo(1);
        assertThat(run.out())
                .contains(
                        "warning  tables: column \"order_id\" is bigint in public.lines and integer in table lines_archive",
                        "ok       tables: table lines_archive has a unique key for rows of public.lines (id)",
                        "problem  tables: queue \"rest\", which events go to, is not there in targetDb")
                .doesNotContain("column \"customer\"");
    }

    @Test
    void a_partition_of_a_list_is_tried_too() throws Exception {
        execute(
                target,
                "create table orders (id bigint, customer text, amount numeric(10,2), created_at timestamp,"
                        + " primary key (id, customer)) partition by list (customer)");
        keys.put("dispatch.partField", "customer");
        listed = true;

        CommandRun run = check();

        assertThat(run.status()).as(run.out() + run.err()).isZero();
        assertThat(run.out()).contains("a partition can be made: tried with public.orders_zz0, and rolled back");
    }

    private void pin() throws SQLException {
        for (var function : new io.pgcaravan.queue.Queues("pgq").unpinned(source)) {
            execute(source, function.statement());
        }
    }

    private void partitionedTarget() throws SQLException {
        execute(
                target,
                "create table orders (id bigint, customer text, amount numeric(10,2), created_at timestamp not null,"
                        + " primary key (id, created_at)) partition by range (created_at)");
    }

    /** Runs the command, and sees that it changed nothing. */
    private CommandRun check() throws Exception {
        String sourceBefore = value(source, CONTENT);
        String targetBefore = value(target, CONTENT);
        CommandRun run = CommandRun.of(arguments());
        assertThat(value(source, CONTENT)).as("source").isEqualTo(sourceBefore);
        assertThat(value(target, CONTENT)).as("target").isEqualTo(targetBefore);
        return run;
    }

    private String[] arguments() throws IOException {
        Path config = Setup.config(directory.resolve("config"), keys);
        Path routes = Files.createDirectories(directory.resolve("routes"));
        if (route != null) {
            Files.writeString(routes.resolve("tables.camel.yaml"), route);
            keys.put("dispatch.enabled", "false");
            Setup.config(directory.resolve("config"), keys);
        }
        for (String file : Path.of("routes").toFile().list((folder, name) -> name.endsWith(".yaml"))) {
            String yaml = Files.readString(Path.of("routes", file));
            if (template != null && file.startsWith("dispatch.")) {
                yaml = yaml.replace(
                        "                    period: \"{{dispatch.period}}\"",
                        "                    period: \"{{dispatch.period}}\"\n                    partTemplate: \""
                                + template + "\"");
            }
            if (listed) {
                yaml = yaml.replace("period: \"{{dispatch.period}}\"", "partMode: list # {{dispatch.period}}");
            }
            Files.writeString(routes.resolve(file), yaml);
        }
        return new String[] {"check", "--config", config.toString(), "--routes", routes.toString()};
    }

    private static String name(Connection connection) throws SQLException {
        return connection.getCatalog();
    }
}
