package io.pgcaravan.torture;

import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.camel.Job;
import io.pgcaravan.camel.LogLines;
import io.pgcaravan.camel.Moment;
import io.pgcaravan.camel.RoutesProcess;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.torture.Schema.Column;
import io.pgcaravan.torture.Schema.Placing;
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
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One job of dispatch: a table, a queue, a route with an edit, and faults, all out of one seed; in the end the target must be what it should. */
final class DispatchTorture implements AutoCloseable {

    private enum Fault {
        NONE,
        STOP_AND_START,
        CUT_SOURCE,
        CUT_TARGET,
        CUT_AT_A_MOMENT,
        SWALLOWED_ANSWER,
        LOCKED_TABLE,
        LOCK_TIMEOUT,
        KILL_AT_A_MOMENT,
        KILL_AT_RANDOM,
        PAUSE_AND_CONTINUE,
        STANDBY,
        RESTART,
        CRASH,
        READ_ONLY
    }

    /** Settings of the producers' sessions; texts in the queue depend on them. */
    private static final String[] PRODUCERS = {
        "timezone = 'Asia/Kathmandu'", "bytea_output = 'escape'", "xmloption = 'content'", "search_path = ''"
    };

    /** The same, for which values do not arrive as they were yet. */
    private static final String[] PRODUCERS_KNOWN = {
        "datestyle = 'SQL, DMY'", "datestyle = 'German'", "intervalstyle = 'sql_standard'", "extra_float_digits = 0"
    };

    private static final String[] DATABASES = {
        "default_transaction_isolation = 'serializable'",
        "default_transaction_isolation = 'repeatable read'",
        "search_path = ''",
        "bytea_output = 'escape'",
        "timezone = 'America/St_Johns'",
        "row_security = off",
        "lc_messages = 'C'",
        "jit = off",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = -3",
        "xmloption = 'document'",
        "statement_timeout = '60s'"
    };

    private final Random random;
    private final List<String> plan;
    private final Path directory;
    private final String source = PgServer.get().createDatabaseWithPgq("torture_source");
    private final String target = PgServer.get().createDatabase("torture_target");
    private final Schema schema;
    private final String mode;
    private final boolean rows;
    private final boolean json;
    private final boolean truncates;
    private final boolean deadLetters;
    private final boolean fields;
    private final int chunkEvents;
    private final List<String> added = new ArrayList<>();
    private int columns;
    private final Workload workload;
    private final LogLines log = LogLines.of("io.pgcaravan");
    private final AtomicReference<Moment> armed = new AtomicReference<>();
    private boolean swallow;
    private String cut = "target";
    private final RouteEdit edit;
    private Job job;

    DispatchTorture(Random random, List<String> plan, Path directory) throws Exception {
        this.random = random;
        this.plan = plan;
        this.directory = directory;
        mode = pick("append", "keep_all", "keep_latest", "plain");
        boolean keyed = mode.equals("keep_latest") || mode.equals("plain");
        rows = random.nextBoolean();
        json = random.nextInt(4) == 0;
        fields = random.nextInt(4) == 0;
        chunkEvents = pick(1, 7, 100, 5000);
        truncates = keyed || random.nextBoolean();
        schema = new Schema(random, pick(Placing.values()), random.nextInt(3) > 0, fields, "");
        RouteEdit chosen = pick(RouteEdit.of(rows ? "rows" : "chunks", false));
        // what a keyed mode nets is one row of the first table and several of the second
        edit = keyed && chosen.option().equals("second") ? RouteEdit.of(rows ? "rows" : "chunks", false)[0] : chosen;
        deadLetters = !edit.option().equals("second") && random.nextInt(6) == 0;
        plan.add("dispatch of " + schema);
        plan.add(mode + ", " + (rows ? "rows" : "chunks") + ", " + (json ? "jsontriga" : "logutriga") + ", edit \""
                + edit.name() + "\"" + (deadLetters ? ", dead letters of mark 3" : "")
                + (fields ? ", fields listed" : ""));
        prepare(keyed);
        workload = new Workload(random, List.of(schema), source, false, this::addColumn);
    }

    @SafeVarargs
    private <T> T pick(T... of) {
        return of[random.nextInt(of.length)];
    }

    private void prepare(boolean keyed) throws SQLException {
        String settings = some(PRODUCERS, 3) + (TortureTest.KNOWN ? some(PRODUCERS_KNOWN, 2) : "");
        String function = "execute function pgq." + (json ? "jsontriga" : "logutriga") + "('queue'"
                + (random.nextBoolean() ? ", 'backup'" : "") + ")";
        try (Connection connection = pinned(source)) {
            for (Queues.Unpinned unpinned : new Queues("pgq").unpinned(connection)) {
                PgServer.execute(connection, unpinned.statement());
            }
        }
        sql(source, schema.before());
        sql(source, schema.source());
        sql(source, List.of("""
                create sequence public.revs;
                select pgq.create_queue('queue'), pgq.set_queue_config('queue', 'ticker_max_lag', '0');
                create function public.produce(statement text) returns void language plpgsql SETTINGS as 'begin execute statement; end';
                create table public.history (seq bigserial, op text, r TABLE);
                create function public.note() returns trigger language plpgsql as $$ begin
                    if lower(tg_op) = 'truncate' then insert into public.history (op) values ('T');
                    elsif tg_op = 'DELETE' then insert into public.history (op, r) values ('D', old);
                    else insert into public.history (op, r) values (left(tg_op, 1), new); end if;
                    return null; end $$;
                create trigger note after insert or update or delete on TABLE for each row execute function public.note();
                create trigger note_truncate after truncate on TABLE for each statement execute function public.note();
                create trigger queue after insert or update or delete on TABLE for each row QUEUE;
                create trigger queue_truncate after truncate on TABLE for each statement TRUNCATE;
                """.replace("SETTINGS", settings)
                .replace("QUEUE", function)
                .replace("TRUNCATE;", function.replace(", 'backup'", "") + ";")
                .replace("TABLE", schema.table.quoted())));
        sql(target, schema.before());
        sql(target, schema.target(keyed && random.nextInt(3) > 0, random.nextInt(4) == 0));
        sql(target, List.of("create table public.second (nr bigint)"));
        if (deadLetters) {
            sql(
                    target,
                    List.of("alter table " + schema.table.quoted() + " add constraint not_three check (mark <> 3)"));
        }
        for (String database : new String[] {source, target}) {
            if (random.nextInt(3) == 0) {
                String chosen = pick(DATABASES);
                setting(database, "set " + chosen);
                plan.add((database.equals(source) ? "source" : "target") + " has " + chosen);
            }
        }
    }

    private String some(String[] settings, int oneOf) {
        if (random.nextInt(oneOf) > 0) {
            return "";
        }
        String chosen = pick(settings);
        plan.add("producers have " + chosen);
        return " set " + chosen;
    }

    private void addColumn(Schema of) throws SQLException {
        String name = "added " + columns;
        String ddl = "alter table " + of.table.quoted() + " add column " + Schema.quote(name) + " text";
        try {
            sql(target, List.of("set lock_timeout = '1s'", ddl));
        } catch (SQLException e) {
            // the job stands still in a transaction
            return;
        }
        sql(source, List.of(ddl));
        columns++;
        workload.counts.merge("add column", 1, Integer::sum);
        if (!fields) {
            added.add(name);
        }
    }

    // ---- what happens

    void run() throws Exception {
        start(edit);
        within("the consumer is not registered", () -> number(source, "select count(*) from pgq.subscription") == 1);
        steps(10);
        if (deadLetters) {
            sql(source, List.of("select pgq.insert_event('queue', 'I:id', 'nr=%zz', 'x', null, null, null)"));
        }
        if (random.nextInt(5) < 3) {
            obstacle();
        }
        for (int i = 0; i < 2; i++) {
            round(pick(Stream.of(Fault.values())
                    .filter(f -> TortureTest.KNOWN || f != Fault.READ_ONLY)
                    .toArray(Fault[]::new)));
        }
        drain();
        check();
    }

    private void start(RouteEdit of) throws Exception {
        job = new Job(source, target, properties(), this::passes, write(of));
    }

    private Path[] write(RouteEdit of) throws Exception {
        Path made = Files.createTempDirectory(directory, "routes");
        Path file = Files.writeString(made.resolve("job.camel.yaml"), route(of));
        return of.routes().isEmpty()
                ? new Path[] {file}
                : new Path[] {Files.writeString(made.resolve("a.camel.yaml"), load(of.routes())), file};
    }

    private Map<String, String> properties() {
        String all = schema.columns().stream()
                .map(column -> column.name() + (column.name().equals(column.target()) ? "" : ":" + column.target()))
                .collect(Collectors.joining(", "));
        return Map.of(
                "job.table",
                schema.table.schema() + "." + schema.table.name(),
                "job.key",
                schema.key.get(0).name(),
                "job.partField",
                schema.at.name(),
                "job.fields",
                all);
    }

    private void stop() throws Exception {
        if (job != null) {
            job.close();
            job = null;
        }
    }

    private void steps(int steps) throws SQLException {
        for (int i = 0; i < steps; i++) {
            workload.step();
            if (random.nextInt(3) == 0) {
                tick();
            }
        }
    }

    private void tick() throws SQLException {
        sql(source, List.of("select pgq.force_tick('queue')", "select pgq.ticker('queue')"));
    }

    /** Waits until all that is committed has been applied. */
    private void drain() throws Exception {
        workload.calm();
        tick();
        long last = number(source, "select max(tick_id) from pgq.tick");
        within("stuck: tick " + last + " is never reached", () -> position() == last);
    }

    private long position() throws SQLException {
        List<String> there = column(target, "select to_regclass('caravan.position')::text");
        return there.get(0) == null ? 0 : number(target, "select coalesce(max(tick), 0) from caravan.position");
    }

    private void within(String otherwise, Condition condition) throws Exception {
        try {
            await().atMost(Duration.ofSeconds(60)).ignoreExceptions().until(condition::holds);
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            throw new AssertionError(otherwise + " (position " + position() + "); the log:\n" + tail(log.text()), e);
        }
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static String tail(String text) {
        return text.substring(Math.max(0, text.length() - 4000));
    }

    /** A harmful edit or a target that cannot take the rows: nothing is committed, the log says why; then it is taken back. */
    private void obstacle() throws Exception {
        boolean harmful = deadLetters || random.nextBoolean();
        RouteEdit wrong = pick(RouteEdit.of(rows ? "rows" : "chunks", true));
        String column = schema.payload.get(0).target();
        String[] change = random.nextBoolean()
                ? new String[] {
                    "rename " + Schema.quote(column) + " to gone", "rename gone to " + Schema.quote(column), column
                }
                : new String[] {"add constraint narrow check (rev < 0) not valid", "drop constraint narrow", "narrow"};
        String said = harmful ? wrong.said() : change[2];
        plan.add("obstacle: " + (harmful ? "edit \"" + wrong.name() + "\"" : change[0]));
        drain();
        List<String> before = actual();
        long position = position();
        log.clear();
        StringBuilder refusal = new StringBuilder();
        if (harmful) {
            stop();
            try {
                start(wrong);
            } catch (Exception e) {
                for (Throwable at = e; at != null; at = at.getCause()) {
                    refusal.append(at.getMessage()).append('\n');
                }
            }
        } else {
            sql(target, List.of("alter table " + schema.table.quoted() + " " + change[0]));
        }
        workload.bulk(30);
        tick();
        within("no error that says \"" + said + "\"; " + refusal, () -> (log.text() + refusal).contains(said));
        Thread.sleep(100);
        if (position() != position) {
            throw new AssertionError("the position moved in spite of the obstacle; the log:\n" + tail(log.text()));
        }
        if (harmful) {
            difference("rows committed in spite of the obstacle", before, actual());
            stop();
            start(edit);
        } else {
            sql(target, List.of("alter table " + schema.table.quoted() + " " + change[1]));
        }
    }

    private void round(Fault fault) throws Exception {
        plan.add("fault: " + fault);
        steps(5 + random.nextInt(10));
        Moment moment = pick(Moment.values());
        switch (fault) {
            case NONE -> {}
            case STOP_AND_START -> {
                stop();
                steps(5);
                start(edit);
            }
            case CUT_SOURCE -> cut("source");
            case CUT_TARGET -> cut("target");
            case CUT_AT_A_MOMENT, SWALLOWED_ANSWER -> {
                swallow = fault == Fault.SWALLOWED_ANSWER;
                cut = swallow ? "target" : pick("source", "target");
                armed.set(swallow ? Moment.AFTER_COMMIT : moment);
                plan.add("at " + armed.get() + " of " + cut);
                workload.bulk(50);
                tick();
                within("the moment never came", () -> armed.get() == null);
            }
            case LOCKED_TABLE, LOCK_TIMEOUT -> {
                if (fault == Fault.LOCK_TIMEOUT) {
                    setting(target, "set lock_timeout = '100ms'");
                    cut("target");
                }
                try (Connection connection = DriverManager.getConnection(target)) {
                    connection.setAutoCommit(false);
                    lock(connection);
                    steps(5);
                    workload.bulk(10);
                    tick();
                    Thread.sleep(800);
                }
                if (fault == Fault.LOCK_TIMEOUT) {
                    setting(target, "reset lock_timeout");
                }
            }
            case KILL_AT_A_MOMENT, KILL_AT_RANDOM, PAUSE_AND_CONTINUE, STANDBY -> process(fault, moment);
            case READ_ONLY -> {
                setting(target, "set default_transaction_read_only = on");
                cut("target");
                workload.bulk(10);
                tick();
                within("no error says read-only", () -> log.text().contains("read-only"));
                setting(target, "reset default_transaction_read_only");
            }
            case RESTART, CRASH -> {
                PgServer.get().restart(fault == Fault.CRASH);
                workload.reconnect();
            }
        }
        steps(5 + random.nextInt(10));
    }

    private void process(Fault fault, Moment moment) throws Exception {
        boolean arrives = fault == Fault.KILL_AT_A_MOMENT || fault == Fault.PAUSE_AND_CONTINUE;
        if (fault != Fault.STANDBY) {
            stop();
        }
        steps(5);
        workload.bulk(200);
        tick();
        plan.add(arrives ? "at " + moment : "at random");
        try (RoutesProcess process =
                RoutesProcess.start(source, target, properties(), arrives ? moment : null, write(edit))) {
            if (arrives) {
                process.awaitArrival();
            } else {
                Thread.sleep(1500 + random.nextInt(2500));
            }
            steps(5);
            if (fault == Fault.PAUSE_AND_CONTINUE) {
                process.pause();
                cut("source");
                cut("target");
                start(edit);
                long position = position();
                workload.bulk(20);
                tick();
                within("the standby never took over", () -> position() > position);
                process.goOn();
                process.resume();
                Thread.sleep(500);
            } else if (fault == Fault.STANDBY) {
                stop();
                long last = number(source, "select max(tick_id) from pgq.tick");
                within("the standby never took over; " + tail(process.output()), () -> position() >= last);
            }
        }
        if (job == null) {
            start(edit);
        }
    }

    private void passes(String moment, Connection connection) throws SQLException {
        Moment at = armed.get();
        if (at != null && at.is(moment) && armed.compareAndSet(at, null)) {
            cut(cut);
            if (swallow) {
                throw new SQLException("An I/O error occurred", "08006");
            }
        }
    }

    private void cut(String role) throws SQLException {
        sql(
                role.equals("source") ? source : target,
                List.of("select pg_terminate_backend(pid) from pg_stat_activity where"
                        + " datname = current_database() and application_name = 'pgcaravan'"));
    }

    private static void setting(String url, String change) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url)) {
            PgServer.execute(
                    connection,
                    "set default_transaction_read_only = off",
                    "alter database " + Schema.quote(connection.getCatalog()) + " " + change);
        }
    }

    // ---- the route

    /** The job with an edit. */
    private String route(RouteEdit of) {
        String placed =
                switch (schema.placing) {
                    case NONE -> "";
                    case LIST -> "partField: place, partMode: list";
                    case HASH -> "partMode: hash, partitions: 3, partField: " + "\"{{job.key}}\"";
                    default ->
                        "newest: 2040-01-01, period: " + schema.period + ", partField: " + "\"{{job.partField}}\"";
                };
        String part =
                placed.isEmpty() ? "" : "- to: {uri: \"pgq-partition:{{job.table}}\", parameters: {" + placed + "}}\n";
        String errors =
                "errorHandler: {defaultErrorHandler: {redeliveryPolicy: {maximumRedeliveries: 2, redeliveryDelay: 1}}}";
        return """
                - route:
                    id: job
                    %s
                    from:
                      uri: pgq:queue
                      parameters: {consumer: test, source: "#sourceDb", target: "#targetDb", onError: %s, onFiltered: %s,
                        exceptionSleep: 300, delay: 100, initialDelay: 10, chunkEvents: %d}
                      steps:
                        - split:
                            simple: "${body%s}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:%s", parameters: {eventTypes: "I, U, D, R"%s}}
                %s""".formatted(
                        of.option().equals("errors") ? errors : "",
                        deadLetters ? "dead-letter" : "stop",
                        of.option().equals("onFiltered") ? "leave-out" : "fail",
                        chunkEvents,
                        rows ? ".events" : "",
                        json ? "jsontriga" : "logutriga",
                        fields ? ", fields: \"{{job.fields}}\"" : "",
                        (part + load(of.steps())).indent(14));
    }

    private String load(String steps) {
        return steps.replace(
                "LOAD",
                "to: {uri: \"pgq-copy:{{job.table}}\", parameters: {rowMode: " + mode + ", onTruncate: "
                        + (truncates ? "apply" : "ignore") + "}}");
    }

    // ---- what must be there

    private void check() throws Exception {
        List<String> actual = actual();
        difference("rows", expected(), actual);
        String events = "from public.history where op <> 'T' order by 1";
        if (edit.option().equals("second")) {
            difference(
                    "rows of the second table",
                    column(source, "select (r).nr::text " + events),
                    column(target, "select nr::text from public.second order by 1"));
        } else {
            difference(
                    "events in the account",
                    column(source, "select (count(*) + " + (deadLetters ? 1 : 0) + ")::text from public.history"),
                    column(target, "select sum(value::bigint)::text from caravan.position, jsonb_each_text(account)"));
        }
        if (schema.placing == Placing.INHERITED_DATE) {
            String pairs = " from (select distinct tableoid, " + schema.placeOf("") + " as place from "
                    + schema.table.quoted() + ") x group by ";
            difference(
                    "places in more than one partition, or partitions with more than one place",
                    List.of(),
                    column(
                            target,
                            "select place" + pairs + "place having count(*) > 1 union all select tableoid::text" + pairs
                                    + "tableoid having count(*) > 1"));
        }
        plan.add(workload.counts + ", " + actual.size() + " rows");
    }

    private List<Column> compared() {
        List<Column> all = new ArrayList<>(schema.columns());
        added.forEach(name -> all.add(new Column(name, name, null)));
        return all;
    }

    /** The history of the source, committed with its events, applied change by change. */
    private List<String> expected() throws SQLException {
        String columns = compared().stream()
                .map(column -> "(r)." + Schema.quote(column.name()) + "::text")
                .collect(Collectors.joining(", "));
        Map<String, String> model = new LinkedHashMap<>();
        Predicate<Long> leftOut = mark -> mark >= edit.marks() || deadLetters && mark == 3;
        try (Connection connection = pinned(source);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select op, (r).nr, (r).mark, " + schema.placeOf("(r).")
                        + ", row(" + columns + ", 'own')::text, seq from public.history order by seq")) {
            while (row.next()) {
                String op = row.getString(1);
                String key = row.getString(2) + (mode.equals("keep_latest") ? "@" + row.getString(4) : "");
                if (op.equals("T")) {
                    if (truncates) {
                        model.clear();
                    }
                } else if (leftOut.test(row.getLong(3)) || mode.equals("keep_all") && op.equals("D")) {
                    continue;
                } else if (mode.equals("append") || mode.equals("keep_all")) {
                    model.put(row.getString(6), row.getString(5));
                } else if (op.equals("D")) {
                    model.remove(key);
                } else {
                    model.put(key, row.getString(5));
                }
            }
        }
        return model.values().stream().sorted().toList();
    }

    private List<String> actual() throws SQLException {
        return column(
                        target,
                        "select row("
                                + compared().stream()
                                        .map(column -> Schema.quote(column.target()) + "::text")
                                        .collect(Collectors.joining(", "))
                                + ", own)::text from " + schema.table.quoted())
                .stream()
                .sorted()
                .toList();
    }

    static void difference(String what, List<String> expected, List<String> actual) {
        if (expected.equals(actual)) {
            return;
        }
        List<String> missing = new ArrayList<>(expected);
        actual.forEach(missing::remove);
        List<String> extra = new ArrayList<>(actual);
        expected.forEach(extra::remove);
        throw new AssertionError(what + ": " + expected.size() + " expected, " + actual.size() + " found; missing "
                + missing.size() + ":\n"
                + missing.stream().limit(5).collect(Collectors.joining("\n")) + "\ntoo many " + extra.size() + ":\n"
                + extra.stream().limit(5).collect(Collectors.joining("\n")));
    }

    // ---- databases

    static Connection pinned(String url) throws SQLException {
        Connection connection = DriverManager.getConnection(url);
        PgServer.execute(
                connection,
                "set timezone = 'UTC'",
                "set intervalstyle = 'postgres'",
                "set bytea_output = 'hex'",
                "set extra_float_digits = 1",
                "set search_path = public",
                "set xmloption = 'content'");
        return connection;
    }

    /** The job, which locks partitions before their parent, may make a deadlock of it. */
    private void lock(Connection connection) throws SQLException {
        while (true) {
            try {
                PgServer.execute(connection, "lock table " + schema.table.quoted());
                return;
            } catch (SQLException e) {
                if (!"40P01".equals(e.getSQLState())) {
                    throw e;
                }
                connection.rollback();
            }
        }
    }

    static void sql(String url, List<String> statements) throws SQLException {
        try (Connection connection = pinned(url)) {
            PgServer.execute(connection, statements.toArray(String[]::new));
        }
    }

    static List<String> column(String url, String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Connection connection = pinned(url);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                values.add(row.getString(1));
            }
        }
        return values;
    }

    private static long number(String url, String query) throws SQLException {
        return Long.parseLong(column(url, query).get(0));
    }

    @Override
    public void close() throws Exception {
        log.close();
        stop();
        workload.close();
        drop(source, target);
    }

    static void drop(String... urls) throws SQLException {
        for (String url : urls) {
            String name = column(url, "select quote_ident(current_database())").get(0);
            sql(PgServer.get().jdbcUrl("postgres"), List.of("drop database " + name + " with (force)"));
        }
    }
}
