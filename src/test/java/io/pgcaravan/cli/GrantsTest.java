package io.pgcaravan.cli;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.search.Search;
import io.pgcaravan.PgServer;
import io.pgcaravan.app.Application;
import io.pgcaravan.camel.JobPlans;
import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.check.Finding;
import io.pgcaravan.check.JobCheck;
import io.pgcaravan.database.Address;
import io.pgcaravan.database.AddressDataSource;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.partition.retention.Upkeep;
import io.pgcaravan.server.Psql;
import io.pgcaravan.server.ThrowAwayServer;
import io.pgcaravan.sql.TableName;
import io.pgcaravan.status.Limits;
import io.pgcaravan.status.Meter;
import io.pgcaravan.status.Problem;
import io.pgcaravan.status.Status;
import io.pgcaravan.status.StatusReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A role with nothing but what {@code caravan grants} prints does its job to the end, in databases in which PUBLIC may do
 * nothing; and it needs each single right of these.
 */
class GrantsTest {

    /** Each right that a role has in a database: the statement that takes it away, and the one that gives it back. */
    private static final String RIGHTS = """
            with me as (select oid, format('%%I', rolname) as name from pg_roles where rolname = %s),
            acl (what, entries) as (
                select format('database %%I', datname), datacl from pg_database where datname = current_database()
                union all
                select format('schema %%I', nspname), nspacl from pg_namespace
                union all
                select format('table %%I.%%I', n.nspname, c.relname), c.relacl
                  from pg_class c join pg_namespace n on n.oid = c.relnamespace, me
                 where c.relowner <> me.oid and c.relpersistence <> 't')
            select format('revoke %%s on %%s from %%s', a.privilege_type, what, me.name),
                   format('grant %%s on %%s to %%s', a.privilege_type, what, me.name)
              from acl cross join me cross join lateral aclexplode(entries) a
             where a.grantee = me.oid
            union all
            select format('revoke %%I from %%s', g.rolname, me.name), format('grant %%I to %%s', g.rolname, me.name)
              from pg_auth_members m join me on m.member = me.oid join pg_roles g on g.oid = m.roleid
            union all
            select format('alter table %%I.%%I owner to current_user', n.nspname, c.relname),
                   format('alter table %%I.%%I owner to %%s', n.nspname, c.relname, me.name)
              from pg_class c join pg_namespace n on n.oid = c.relnamespace join me on c.relowner = me.oid
             where c.relkind in ('r', 'p') and c.relpersistence <> 't'""";

    private static final AtomicInteger ROLES = new AtomicInteger();

    @TempDir
    private Path directory;

    private final Map<String, String> keys = new LinkedHashMap<>();
    private final Map<String, String> edits = new LinkedHashMap<>();
    private String role;
    private CheckedJob job;
    private String sourceUrl;
    private String targetUrl;
    private Connection source;
    private Connection target;

    @BeforeEach
    void make_both_sides_and_a_role() throws SQLException {
        sourceUrl = PgServer.get().createDatabaseWithPgq("grants_source");
        targetUrl = PgServer.get().createDatabase("grants_target");
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        // with all that a name can have
        role = "Job \"" + ROLES.incrementAndGet() + "\" o'x\\ :y";
        execute(source, "create role " + TableName.quote(role) + " login password 'secret'");
        for (Connection side : List.of(source, target)) {
            execute(
                    side,
                    "revoke all on database " + TableName.quote(side.getCatalog()) + " from public",
                    "revoke all on schema public from public");
        }
    }

    @AfterEach
    void disconnect() throws SQLException {
        source.close();
        target.close();
    }

    @Test
    void dispatch_into_partitions() throws Exception {
        orders("primary key (id, created_at)) partition by range (created_at)");
        keys.put("dispatch.rowMode", "plain");
        forTheRunningJob();
        // before the grants: a partition that somebody else has made
        execute(
                target,
                "create table orders_2026_10_01 partition of orders for values from ('2026-10-01') to ('2026-10-02')",
                "create table \"Kept: 'apart'\" (a int)");
        configure();
        grant("source", sourceUrl);
        grant("target", targetUrl);

        assertThat(check()).isZero();
        dispatchToTheEnd();

        assertEachIsNeeded(source, this::isWell);
        assertEachIsNeeded(target, this::isWell);
        // not tried by the check
        assertThat(value(
                        target,
                        "select count(*) from pg_tables where schemaname = 'public' and tableowner <> 'postgres'"))
                .isEqualTo(4L);
        assertThat(value(
                        target,
                        "select count(*) from pg_tables where tablename like 'Kept%' and tableowner = current_user"))
                .isEqualTo(1L);
        execute(target, "alter table orders add check (customer <> 'bad')");
        assertTheRunningJobNeedsEach(target, "schema |caravan\\.|pgq_ext\\.|public\\.orders owner");
    }

    /** A new session for each batch, and a failure tried again at once. */
    private void forTheRunningJob() {
        edits.put(
                "onError: \"{{dispatch.onError}}\"",
                "onError: \"{{dispatch.onError}}\"\n        exceptionSleep: 20\n        connectionLifetime: 1\n        delay: 20");
        keys.put("dispatch.onError", "dead-letter");
    }

    @Test
    void dispatch_into_a_table_that_stays_as_it_is() throws Exception {
        orders("primary key (id))");
        edits.put(
                "period: \"{{dispatch.period}}\"",
                "period: \"{{dispatch.period}}\"\n                    tableMode: direct");
        forTheRunningJob();
        edits.put(
                "rowMode: \"{{dispatch.rowMode}}\"",
                "rowMode: \"{{dispatch.rowMode}}\"\n                    onTruncate: apply");
        execute(target, "alter table orders add check (customer <> 'bad')");
        for (String mode : List.of("append", "keep_latest", "plain")) {
            keys.put("dispatch.rowMode", mode);
            configure();
            assertThat(check()).isEqualTo(1);
            grant("source", sourceUrl);
            grant("target", targetUrl);
            assertThat(check()).as(mode).isZero();
            assertTheRunningJobNeedsEach(target, mode.equals("append") ? "" : "public.orders");
            execute(target, "truncate orders");
        }
        assertTheRunningJobNeedsEach(target, "database");
        assertTheRunningJobNeedsEach(source, "");
        execute(source, "truncate orders");
        execute(target, "truncate orders");
        dispatchToTheEnd();
    }

    @Test
    void dispatch_with_retention() throws Exception {
        orders("primary key (id, created_at)) partition by range (created_at)");
        keys.put("dispatch.rowMode", "keep_all");
        edits.put(
                "period: \"{{dispatch.period}}\"",
                "period: \"{{dispatch.period}}\"\n                    retentionPeriod: 10 years");
        execute(
                target,
                "create table orders_2001_01_01 partition of orders for values from ('2001-01-01') to ('2001-01-02')");
        configure();
        grant("source", sourceUrl);
        grant("target", targetUrl);

        assertThat(check()).isZero();
        run(
                "insert into orders values (1, 'a', '2026-10-01')",
                () -> value(target, "select count(*) from orders").equals(1L)
                        && value(target, "select to_regclass('orders_2001_01_01') is null")
                                .equals(true));

        // a round of what the job does beside its batches
        assertEachIsNeeded(target, () -> isWell() && retires());
    }

    /** Whether a partition that has become old goes. */
    private boolean retires() throws SQLException {
        execute(
                target,
                "drop table if exists orders_2002_01_01",
                "create table orders_2002_01_01 partition of orders for values from ('2002-01-01') to ('2002-01-02')",
                "alter table orders_2002_01_01 owner to " + TableName.quote(role));
        PartitionSettings settings = job.loads().get(0).partition();
        try (Connection asRole = job.target().getConnection()) {
            Upkeep.Round round = new Upkeep(settings, new Partitioner(settings)).round(asRole, job.consumer());
            return round.problems().isEmpty()
                    && round.done().toString().contains("dropped public.orders_2002_01_01")
                    && value(target, "select to_regclass('orders_2002_01_01') is null")
                            .equals(true);
        } catch (SQLException e) {
            return false;
        }
    }

    @Test
    void events_into_a_queue_of_another_database() throws Exception {
        ThrowAwayServer.withPgq(targetUrl);
        orders("primary key (id))");
        execute(target, "select pgq.create_queue('copy')");
        keys.put("dispatch.enabled", "false");
        keys.put("queue-mover.enabled", "true");
        keys.put("queue-mover.destQueue", "copy");
        configure();
        String script = grants();
        assertThat(script).contains("-- ---- source: ", "-- ---- target: ", "-- ---- queues of the target: ");
        grant("source", sourceUrl);
        grant("target", targetUrl);

        assertThat(check()).isZero();
        run("insert into orders values (1, 'a', '2026-10-01')", () -> value(
                        target, "select sum(last_value) from pgq.event_1_id_seq")
                .toString()
                .equals("1"));
    }

    @Test
    void queues_are_made_ticked_and_dropped() throws Exception {
        execute(source, "create table t (id int primary key)");
        String db = conninfo(source);
        psql(
                sourceUrl,
                CommandRun.of("grants", "--role", role, "--side", "queues", "--table", "public.t")
                        .out());
        psql(
                sourceUrl,
                CommandRun.of("grants", "--role", role, "--side", "queues", "--table", "public.t")
                        .out());
        assertThat(CommandRun.of("queue", "create", "q", "--table", "public.t", "--db", db)
                        .err())
                .isEmpty();
        assertThat(CommandRun.of("queue", "tick", "q", "--db", db).err()).isEmpty();
        execute(source, "drop trigger caravan_q on t", "drop trigger caravan_q_truncate on t");
        assertThat(CommandRun.of("queue", "drop", "q", "--force", "--db", db).err())
                .isEmpty();
        assertEachIsNeeded(source, () -> {
            int status = CommandRun.of("queue", "create", "q", "--table", "public.t", "--db", db)
                    .status();
            execute(source, "drop trigger if exists caravan_q on t", "drop trigger if exists caravan_q_truncate on t");
            return status == 0;
        });
    }

    @Test
    void export_and_import() throws Exception {
        for (Connection side : List.of(source, target)) {
            execute(
                    side,
                    "create schema \"Sh'op\"",
                    "create table \"Sh'op\".\"it ems\" (id int primary key, name text)",
                    "create table \"Sh'op\".parts (id int primary key, item int" + " references \"Sh'op\".\"it ems\")");
        }
        List<String> tables = List.of("it ems", "parts");
        for (String table : tables) {
            assertThat(CommandRun.of("ddl", "exporter", "Sh'op", table, "--apply", "--db", sourceUrl)
                            .err())
                    .isEmpty();
            assertThat(CommandRun.of("ddl", "importer", "Sh'op", table, "--apply", "--db", targetUrl)
                            .err())
                    .isEmpty();
        }
        String both = "Sh'op.it ems,Sh'op.parts";
        for (int twice = 1; twice <= 2; twice++) {
            psql(
                    sourceUrl,
                    CommandRun.of("grants", "--role", role, "--side", "export", "--table", both)
                            .out());
            psql(
                    targetUrl,
                    CommandRun.of("grants", "--role", role, "--side", "import", "--table", both)
                            .out());
        }
        Path drop = Files.createDirectories(directory.resolve("drop"));
        AtomicInteger number = new AtomicInteger();
        Callable<Integer> change = () -> {
            int n = number.incrementAndGet();
            execute(
                    source,
                    "delete from \"Sh'op\".parts",
                    "insert into \"Sh'op\".\"it ems\" values (" + n + ", 'n')",
                    "update \"Sh'op\".\"it ems\" set name = 'm'",
                    "delete from \"Sh'op\".\"it ems\" where id = " + (n - 1),
                    "insert into \"Sh'op\".parts select id, id from \"Sh'op\".\"it ems\" on conflict (id) do nothing",
                    "delete from \"Sh'op\".parts where id < " + n);
            return n;
        };
        String from = conninfo(source);
        String to = conninfo(target);
        Callable<Boolean> exported = () -> {
            return CommandRun.of(
                                    "export",
                                    "--db",
                                    from,
                                    "--table",
                                    both,
                                    "--target",
                                    "far/" + target.getCatalog(),
                                    "--dir",
                                    drop.toString())
                            .status()
                    == 0;
        };
        Callable<Boolean> imported = () ->
                CommandRun.of("import", "--db", to, "--dir", drop.toString()).status() == 0;

        for (int set = 1; set <= 2; set++) {
            change.call();
            assertThat(exported.call()).isTrue();
            assertThat(imported.call()).isTrue();
        }
        assertThat(value(target, "select string_agg(t::text, ' ') from \"Sh'op\".\"it ems\" t"))
                .isEqualTo(value(source, "select string_agg(t::text, ' ') from \"Sh'op\".\"it ems\" t"));
        assertEachIsNeeded(source, () -> {
            change.call();
            return exported.call();
        });
        // what cannot be imported waits, and is there for the next attempt
        assertEachIsNeeded(target, imported);
    }

    @Test
    void compare_and_repair() throws Exception {
        for (Connection side : List.of(source, target)) {
            execute(
                    side,
                    "create schema \"Sh'op\"",
                    "create table \"Sh'op\".\"it ems\" (id int primary key, name text)");
        }
        execute(source, "insert into \"Sh'op\".\"it ems\" values (1, 'a'), (2, 'b'), (3, 'c')");
        String table = "Sh'op.it ems";
        ship(table);
        // one set and one change are on their way
        execute(source, "update \"Sh'op\".\"it ems\" set name = 'B' where id = 2");
        assertThat(export(table)).isZero();
        execute(source, "update \"Sh'op\".\"it ems\" set name = 'C' where id = 3");
        Callable<CommandRun> compare = () ->
                CommandRun.of("compare", "--source", conninfo(source), "--target", conninfo(target), "--table", table);
        assertThat(compare.call().status()).isEqualTo(1);
        for (String side : List.of("compare", "compare", "repair", "repair")) {
            String script = CommandRun.of("grants", "--role", role, "--side", side, "--table", table)
                    .out();
            psql(side.equals("compare") ? targetUrl : sourceUrl, script);
        }
        String well = compare.call().out();
        assertThat(well).contains("on their way", "1 set");

        assertEachIsNeeded(target, () -> compare.call().out().equals(well));
        execute(target, "update \"Sh'op\".\"it ems\" set name = 'x' where id = 1");
        // each time something that was not noted before
        AtomicInteger number = new AtomicInteger(10);
        assertEachIsNeeded(source, () -> {
            int n = number.incrementAndGet();
            Object onItsWay = value(source, "select count(*) from \"Sh'op\".\"it ems_dml\" where id = 3");
            execute(target, "insert into \"Sh'op\".\"it ems\" values (" + n + ", 'extra')");
            CommandRun repair = CommandRun.of(
                    "repair", "--source", conninfo(source), "--target", conninfo(target), "--table", table);
            return repair.status() == 0
                    && repair.out().contains("1 set")
                    && value(source, "select count(*) from \"Sh'op\".\"it ems_dml\" where id = " + n)
                            .equals(1L)
                    && value(source, "select count(*) from \"Sh'op\".\"it ems_dml\" where id = 3")
                            .equals(onItsWay);
        });

        // who only compares may not write at the source either
        role = "only " + role;
        execute(source, "create role " + TableName.quote(role) + " login password 'secret'");
        for (String url : List.of(sourceUrl, targetUrl)) {
            psql(
                    url,
                    CommandRun.of("grants", "--role", role, "--side", "compare", "--table", table)
                            .out());
        }
        assertThat(compare.call().out()).contains("on their way", "1 set");
        execute(target, "insert into \"Sh'op\".\"it ems\" values (99, 'extra')");
        assertThat(CommandRun.of("repair", "--source", conninfo(source), "--target", conninfo(target), "--table", table)
                        .err())
                .contains("permission denied", "caravan grants --side repair");
    }

    /** As a superuser: the table is tracked and accepted, and its first set is through. */
    private void ship(String table) throws Exception {
        String[] name = table.split("\\.", 2);
        assertThat(CommandRun.of("ddl", "exporter", name[0], name[1], "--apply", "--db", sourceUrl)
                        .err())
                .isEmpty();
        assertThat(CommandRun.of("ddl", "importer", name[0], name[1], "--apply", "--db", targetUrl)
                        .err())
                .isEmpty();
        assertThat(export(table)).isZero();
        assertThat(CommandRun.of("import", "--db", targetUrl, "--dir", drop()).status())
                .isZero();
    }

    private int export(String table) throws Exception {
        return CommandRun.of(
                        "export",
                        "--db",
                        sourceUrl,
                        "--table",
                        table,
                        "--target",
                        "far/" + target.getCatalog(),
                        "--dir",
                        drop())
                .status();
    }

    private String drop() throws IOException {
        return Files.createDirectories(directory.resolve("drop")).toString();
    }

    @Test
    void looking_at_everything() throws Exception {
        orders("primary key (id, created_at)) partition by range (created_at)");
        configure();
        grant("source", sourceUrl);
        grant("target", targetUrl);
        run("insert into orders values (1, 'a', '2026-10-01')", () -> value(target, "select count(*) from orders")
                .equals(1L));
        execute(
                target,
                "insert into caravan.dead_letter (consumer, queue, batch_id, tick, tick_time, ev_id, ev_time, ev_type, error)"
                        + " values ('dispatch', 'orders', 1, 2, now(), 7, now(), 'I', 'x')");
        for (Connection side : List.of(source, target)) {
            execute(side, "create schema shop", "create table shop.parcels (id int primary key)");
        }
        ship("shop.parcels");
        execute(source, "insert into shop.parcels values (1)");
        role = "watcher " + role;
        execute(source, "create role " + TableName.quote(role) + " login password 'secret'");
        configure();
        assertThat(status()).contains("permission denied for database");
        grant("monitor", sourceUrl);
        grant("monitor", targetUrl);

        assertThat(status()).contains("dispatch").doesNotContain("permission denied");
        try (Application application = Application.waiting(config(), routes(), null)) {
            application.start();
            StatusReader reader = new StatusReader(application.watch(), Limits.PRESET);
            assertEachIsNeeded(source, () -> seesAll(reader.read()));
            assertEachIsNeeded(target, () -> seesAll(reader.read()));
        }
    }

    private static boolean seesAll(Status status) {
        return status.problems().stream()
                        .noneMatch(problem -> problem.kind() == Problem.Kind.UNREADABLE
                                || problem.kind() == Problem.Kind.DATABASE_DOWN)
                && status.queues().size() == 1
                && status.jobs().size() == 1
                && status.jobs().stream()
                        .allMatch(job -> job.tick() != null
                                && job.lag() != null
                                && job.deadLetters() == 1
                                && job.tables().get(0).partitions() == 1)
                && status.exports().size() == 1
                && status.exports().stream().allMatch(set -> set.oldestChange() != null && set.onItsWaySince() == null)
                && status.imports().size() == 1;
    }

    @Test
    void one_script_for_all_that_a_role_does_in_one_database() throws Exception {
        orders("primary key (id, created_at)) partition by range (created_at)");
        configure();
        grant("source,monitor", sourceUrl);
        grant("target,monitor", targetUrl);
        run("insert into orders values (1, 'a', '2026-10-01')", () -> value(target, "select count(*) from orders")
                .equals(1L));
        assertThat(status()).contains("dispatch").doesNotContain("permission denied");
    }

    private String status() {
        CommandRun run = CommandRun.of("status", "--config", config().toString(), "--routes", routes().toString());
        return run.out() + run.err();
    }

    // ---- rights

    /** Without any one of its rights the role cannot do its work; with all of them it can. */
    private void assertEachIsNeeded(Connection side, Callable<Boolean> works) throws Exception {
        assertEachIsNeeded(side, works, "");
    }

    /** @param on a pattern for what the rights are on that are looked at */
    private void assertEachIsNeeded(Connection side, Callable<Boolean> works, String on) throws Exception {
        List<String[]> rights = new ArrayList<>();
        try (Statement statement = side.createStatement();
                ResultSet row = statement.executeQuery(RIGHTS.formatted("'" + role.replace("'", "''") + "'"))) {
            while (row.next()) {
                // a job works without its place for errors
                if (Pattern.compile(on).matcher(row.getString(1)).find()
                        && !row.getString(1).contains("caravan.job ")) {
                    rights.add(new String[] {row.getString(1), row.getString(2)});
                }
            }
        }
        assertThat(rights).isNotEmpty();
        List<String> superfluous = new ArrayList<>();
        for (String[] right : rights) {
            execute(side, right[0]);
            if (works.call()) {
                superfluous.add(right[1]);
            }
            execute(side, right[1]);
        }
        assertThat(superfluous).isEmpty();
        assertThat(works.call()).isTrue();
    }

    /**
     * The same by a job that runs all the while, over new sessions for each batch: it fails without the right, and goes on with
     * it. Each time it has rows that are inserted, changed, deleted and bad, and a TRUNCATE.
     *
     * @param on a pattern for what the rights are on that are looked at
     */
    private void assertTheRunningJobNeedsEach(Connection side, String on) throws Exception {
        try (Application application = Application.configured(config(), routes())) {
            application.start();
            await().atMost(Duration.ofSeconds(60)).until(() -> value(source, "select count(*) from pgq.subscription")
                    .equals(1L));
            Search failures = application
                    .context()
                    .getRegistry()
                    .findSingleByType(MeterRegistry.class)
                    .find(Meter.BATCH_FAILURES.meterName());
            AtomicInteger number = new AtomicInteger();
            awaitApplied(change(number), () -> false);
            assertEachIsNeeded(
                    side,
                    // a session that was open before the right went may still take one batch
                    () -> goesOn(failures, number) && goesOn(failures, number),
                    on);
        }
    }

    private boolean goesOn(Search failures, AtomicInteger number) throws SQLException {
        double before = failures.counter().count();
        return awaitApplied(change(number), () -> failures.counter().count() > before);
    }

    /** @return the tick that has it */
    private long change(AtomicInteger number) throws SQLException {
        int n = number.addAndGet(10);
        execute(
                source,
                "truncate orders",
                "insert into orders values (" + n + ", 'a', '2026-10-01'), (" + (n + 1) + ", 'b', '2026-10-01'), ("
                        + (n + 2) + ", 'bad', '2026-10-01')",
                // into a partition that was not there
                "insert into orders values (" + (n + 3) + ", 'a', timestamp '2027-01-01' + interval '" + n / 10
                        + " days')",
                "update orders set customer = 'c' where id = " + n,
                "delete from orders where id = " + (n + 1),
                "select pgq.force_tick('orders')",
                "select pgq.ticker('orders')");
        return (Long) value(source, "select max(tick_id) from pgq.tick");
    }

    /** Whether the job has come to this tick, or fails meanwhile. */
    private boolean awaitApplied(long tick, Callable<Boolean> fails) {
        AtomicBoolean applied = new AtomicBoolean();
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    // first, as it may be applied after it has failed for another reason
                    boolean failed = fails.call();
                    applied.set(value(target, "select coalesce(max(tick), 0) >= " + tick + " from caravan.position")
                            .equals(true));
                    return applied.get() || failed;
                });
        return applied.get();
    }

    private String grants() {
        CommandRun run = CommandRun.of(
                "grants", "--role", role, "--config", config().toString(), "--routes", routes().toString());
        assertThat(run.status()).as(run.err()).isZero();
        return run.out();
    }

    /** Twice, as nothing may come of that. */
    private void grant(String side, String url) throws Exception {
        CommandRun run = CommandRun.of(
                "grants",
                "--role",
                role,
                "--side",
                side,
                "--config",
                config().toString(),
                "--routes",
                routes().toString());
        assertThat(run.status()).as(run.err()).isZero();
        psql(url, run.out());
        psql(url, run.out());
    }

    private void psql(String url, String script) throws Exception {
        new Psql(directory).run(url, script);
    }

    // ---- the job

    private void orders(String end) throws SQLException {
        execute(
                source,
                "create table orders (id bigint primary key, customer text, created_at timestamp not null)",
                "select pgq.create_queue('orders')",
                "create trigger orders_queue after insert or update or delete on orders for each row execute function"
                        + " pgq.logutriga('orders', 'backup')",
                "create trigger orders_queue_truncate after truncate on orders for each statement execute function"
                        + " pgq.logutriga('orders')",
                "select pgq.ticker()");
        execute(target, "create table orders (id bigint, customer text, created_at timestamp not null, " + end);
    }

    private void dispatchToTheEnd() throws Exception {
        run("""
                insert into orders values (1, 'a', '2026-10-01'), (2, 'b', '2026-10-02'), (3, 'c', '2026-10-03');
                update orders set customer = 'd', created_at = '2026-10-03' where id = 2;
                delete from orders where id = 1""", () -> value(
                        target,
                        "select string_agg(id || customer || created_at::date, ' ' order by id) from orders"
                                + " where id < 9")
                .equals("2d2026-10-03 3c2026-10-03"));
        run("truncate orders; insert into orders values (4, 'e', '2026-10-01')", () -> value(
                        target, "select string_agg(id || customer, ' ') from orders")
                .equals("4e"));
    }

    /** Runs the routes as the role, changes something at the source, and waits until this holds. */
    private void run(String change, Callable<Boolean> there) throws Exception {
        try (Application application = Application.configured(config(), routes())) {
            application.start();
            // a consumer that is new to its queue sees nothing of what came before it
            await().atMost(Duration.ofSeconds(60)).until(() -> value(source, "select count(*) from pgq.subscription")
                    .equals(1L));
            execute(source, change);
            await().atMost(Duration.ofSeconds(60)).until(() -> {
                execute(source, "select pgq.force_tick(queue_name), pgq.ticker(queue_name) from pgq.queue");
                Object value = there.call();
                return Boolean.TRUE.equals(value);
            });
        }
    }

    private int check() {
        return CommandRun.of("check", "--config", config().toString(), "--routes", routes().toString())
                .status();
    }

    /** What the check finds, over connections of its own. */
    private boolean isWell() {
        return JobCheck.of(job).stream().noneMatch(finding -> finding.level() == Finding.Level.PROBLEM);
    }

    private CheckedJob planned() throws IOException {
        try (Application application = Application.waiting(config(), routes(), null)) {
            application.start();
            CheckedJob plan = JobPlans.of(application.context()).get("dispatch").job();
            return plan == null
                    ? null
                    : new CheckedJob(
                            new AddressDataSource(Address.parse(sourceUrl).as(role, "secret"), Map.of()),
                            new AddressDataSource(Address.parse(targetUrl).as(role, "secret"), Map.of()),
                            plan.schema(),
                            plan.queue(),
                            plan.consumer(),
                            plan.registers(),
                            plan.acceptsUnknownStart(),
                            plan.answerTimeout(),
                            plan.encoding(),
                            plan.loads(),
                            plan.forwards());
        }
    }

    private Path config() {
        return directory.resolve("config");
    }

    private Path routes() {
        return directory.resolve("routes");
    }

    private void configure() throws IOException {
        Map<String, String> all = new TreeMap<>(keys);
        all.put("database.sourceDb.url", sourceUrl);
        all.put("database.targetDb.url", targetUrl);
        for (String database : List.of("sourceDb", "targetDb")) {
            all.put("database." + database + ".user", role);
            all.put("database." + database + ".password", "secret");
        }
        all.put("camel.management.enabled", "false");
        Setup.config(config(), all);
        Files.createDirectories(routes());
        for (String name : List.of("dispatch.camel.yaml", "queue-mover.camel.yaml")) {
            String text = Files.readString(Path.of("routes", name));
            if (name.startsWith("dispatch")) {
                for (Map.Entry<String, String> edit : edits.entrySet()) {
                    assertThat(text).contains(edit.getKey());
                    text = text.replace(edit.getKey(), edit.getValue());
                }
            }
            Files.writeString(routes().resolve(name), text);
        }
        Path file = config().resolve("application.properties");
        Files.write(
                file,
                Files.readAllLines(file).stream()
                        .filter(line -> line.matches("(dispatch|queue-mover|database|camel|management)\\..*"))
                        .toList());
        job = planned();
    }

    private String conninfo(Connection side) throws SQLException {
        String url = side.getMetaData().getURL().replaceFirst("^jdbc:postgresql://", "");
        String host = url.substring(0, url.indexOf(':'));
        String port = url.substring(url.indexOf(':') + 1, url.indexOf('/'));
        return "host=" + host + " port=" + port + " dbname=" + side.getCatalog() + " password=secret user='"
                + role.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }

    private static Object value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            Object value = row.getObject(1);
            return value == null ? "" : value;
        }
    }
}
