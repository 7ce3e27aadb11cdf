package io.pgcaravan.torture;

import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.camel.Job;
import io.pgcaravan.camel.LogLines;
import io.pgcaravan.camel.Moment;
import io.pgcaravan.camel.RoutesProcess;
import io.pgcaravan.torture.RouteEdit.Kind;
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
        CRASH
    }

    /** What stands in the way, in the target: nothing may be committed meanwhile, and the log says why. */
    private record Obstacle(String name, String install, String remove, String said) {}

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
        "synchronous_commit = off",
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
    private final Workload workload;
    private final LogLines log = LogLines.of("io.pgcaravan");
    private final AtomicReference<Moment> armed = new AtomicReference<>();
    private boolean swallow;
    private String cut = "target";
    private final RouteEdit edit;
    private Path[] files;
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
        edit = pick(RouteEdit.of(rows, Kind.LEGITIMATE).stream()
                .filter(e -> keyed ? !e.appendOnly() : true)
                .toArray(RouteEdit[]::new));
        deadLetters = !edit.second() && random.nextInt(6) == 0;
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
        String table = schema.table.quoted();
        List<String> made = new ArrayList<>(schema.before());
        made.addAll(schema.source());
        String backup = random.nextBoolean() ? ", 'backup'" : "";
        String trigger =
                "for each %s execute function pgq." + (json ? "jsontriga" : "logutriga") + "('queue'" + backup + ")";
        String settings = some(PRODUCERS, 3) + (TortureTest.KNOWN ? some(PRODUCERS_KNOWN, 2) : "");
        made.addAll(List.of(
                "create sequence public.revs",
                "select pgq.create_queue('queue')",
                "select pgq.set_queue_config('queue', 'ticker_max_lag', '0')",
                "create function public.produce(statement text) returns void language plpgsql" + settings
                        + " as 'begin execute statement; end'",
                "create table public.history (seq bigserial, op text, r " + table + ")",
                "create function public.note() returns trigger language plpgsql as $$ begin"
                        + " insert into public.history (op, r) values (left(tg_op, 1), case tg_op when 'TRUNCATE' then null when"
                        + " 'DELETE' then old else new end); return null; end $$",
                "create trigger note after insert or update or delete on " + table
                        + " for each row execute function public.note()",
                "create trigger note_truncate after truncate on " + table
                        + " for each statement execute function public.note()",
                "create trigger queue after insert or update or delete on " + table + " " + trigger.formatted("row"),
                "create trigger queue_truncate after truncate on " + table + " " + trigger.formatted("statement")));
        sql(source, made);
        made = new ArrayList<>(schema.before());
        made.addAll(schema.target(keyed && random.nextInt(3) > 0, random.nextInt(4) == 0));
        made.add("create table public.second (nr bigint)");
        if (deadLetters) {
            made.add("alter table " + table + " add constraint not_three check (mark <> 3)");
        }
        sql(target, made);
        for (String database : new String[] {source, target}) {
            String chosen = random.nextInt(3) == 0 ? pick(DATABASES) : null;
            if (chosen != null) {
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
        String name = "added " + added.size();
        String ddl = "alter table " + of.table.quoted() + " add column " + Schema.quote(name) + " text";
        sql(target, List.of(ddl));
        sql(source, List.of(ddl));
        workload.counts.merge("add column", 1, Integer::sum);
        if (!fields) {
            added.add(name);
        }
    }

    // ---- what happens

    void run() throws Exception {
        files = edit.write(directory, this::route, this::load);
        start();
        within("the consumer is not registered", () -> number(source, "select count(*) from pgq.subscription") == 1);
        steps(10);
        if (random.nextInt(5) < 3) {
            obstacle();
        }
        for (int i = 0; i < 2; i++) {
            round(pick(Fault.values()));
        }
        drain();
        check();
    }

    private void start() throws Exception {
        job = new Job(source, target, properties(), this::passes, files);
    }

    private Map<String, String> properties() {
        return Map.of("job.table", schema.table.schema() + "." + schema.table.name());
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
        return number(
                target,
                "select case when to_regclass('caravan.position') is null then 0 else coalesce((xpath('//t/text()',"
                        + " query_to_xml('select max(tick) as t from caravan.position', true, true, '')))[1]::text::bigint, 0) end");
    }

    private void within(String otherwise, Condition condition) throws Exception {
        try {
            await().atMost(Duration.ofSeconds(90)).ignoreExceptions().until(condition::holds);
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
        drain();
        Column column = schema.payload.get(0);
        String table = schema.table.quoted();
        String rename = "alter table " + table + " rename column ";
        List<Obstacle> obstacles = new ArrayList<>(List.of(
                new Obstacle(
                        "a column is missing in the target",
                        rename + Schema.quote(column.target()) + " to gone",
                        rename + "gone to " + Schema.quote(column.target()),
                        column.target()),
                new Obstacle(
                        "a column in the target is too narrow",
                        "alter table " + table + " add constraint narrow check (rev < 0) not valid",
                        "alter table " + table + " drop constraint narrow",
                        "narrow")));
        boolean harmful = random.nextBoolean();
        Obstacle obstacle = pick(obstacles.toArray(Obstacle[]::new));
        RouteEdit wrong = pick(RouteEdit.of(rows, Kind.HARMFUL).toArray(RouteEdit[]::new));
        plan.add("obstacle: " + (harmful ? wrong.name() : obstacle.name()));
        if (!harmful && deadLetters) {
            return;
        }
        List<String> before = actual();
        long position = position();
        log.clear();
        Path[] right = files;
        StringBuilder refusal = new StringBuilder();
        if (harmful) {
            stop();
            files = wrong.write(Files.createTempDirectory(directory, "wrong"), this::route, this::load);
            try {
                start();
            } catch (Exception e) {
                for (Throwable at = e; at != null; at = at.getCause()) {
                    refusal.append(at.getMessage()).append('\n');
                }
            }
        } else {
            sql(target, List.of(obstacle.install));
        }
        workload.bulk(30);
        tick();
        String said = harmful ? wrong.said() : obstacle.said;
        within("no error that says \"" + said + "\"; " + refusal, () -> (log.text() + refusal).contains(said));
        Thread.sleep(100);
        if (position() != position || !actual().equals(before)) {
            throw new AssertionError("something was committed in spite of the obstacle; the log:\n" + tail(log.text()));
        }
        if (harmful) {
            stop();
            files = right;
            start();
        } else {
            sql(target, List.of(obstacle.remove));
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
                start();
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
                    PgServer.execute(connection, "lock table " + schema.table.quoted());
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
                RoutesProcess.start(source, target, properties(), arrives ? moment : null, files)) {
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
                start();
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
            start();
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
            PgServer.execute(connection, "alter database " + Schema.quote(connection.getCatalog()) + " " + change);
        }
    }

    // ---- the route

    /** The job with these steps in the place of the load step; {@code LOAD} in them is the load step. */
    private String route(String steps, String parameters) {
        String part =
                switch (schema.placing) {
                    case NONE -> "";
                    case DATE, INHERITED_DATE -> "partField: " + yaml(schema.at.name()) + ", period: " + schema.period;
                    case LIST -> "partField: place, partMode: list";
                    case HASH -> "partField: " + yaml(schema.key.get(0).name()) + ", partMode: hash, partitions: 3";
                };
        String list = fields
                ? ", fields: "
                        + yaml(schema.columns().stream()
                                .map(column -> column.name()
                                        + (column.name().equals(column.target()) ? "" : ":" + column.target()))
                                .collect(Collectors.joining(", ")))
                : "";
        return """
                - route:
                    id: job
                    from:
                      uri: pgq:queue
                      parameters: {consumer: test, source: "#sourceDb", target: "#targetDb", exceptionSleep: 300, delay: 100,
                        initialDelay: 10, chunkEvents: %d, onError: %s%s}
                      steps:
                        - split:
                            simple: "${body%s}"
                            streaming: true
                            steps:
                              - to: {uri: "decode:%s", parameters: {eventTypes: "I, U, D, R"%s}}
                """.formatted(
                                chunkEvents,
                                deadLetters ? "dead-letter" : "stop",
                                parameters,
                                rows ? ".events" : "",
                                json ? "jsontriga" : "logutriga",
                                list)
                + (part.isEmpty()
                        ? ""
                        : "              - to: {uri: \"partition:{{job.table}}\", parameters: {" + part + "}}\n")
                + load(steps).indent(14);
    }

    private String load(String steps) {
        return steps.replace(
                "LOAD",
                "- to: {uri: \"pgcopy:{{job.table}}\", parameters: {rowMode: " + mode + ", onTruncate: "
                        + (truncates ? "apply" : "ignore") + "}}");
    }

    private static String yaml(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    // ---- what must be there

    private void check() throws Exception {
        List<String> expected = expected();
        List<String> actual = actual();
        difference("rows", expected, actual);
        if (edit.second()) {
            difference(
                    "rows of the second table",
                    column(source, "select (r).nr::text from public.history where op <> 'T' order by 1"),
                    column(target, "select nr::text from public.second order by 1"));
        }
        if (schema.placing == Placing.INHERITED_DATE) {
            difference(
                    "places in more than one partition, or partitions with more than one place",
                    List.of(),
                    column(
                            target,
                            "select place from (select distinct tableoid, " + schema.placeOf("") + " as place from "
                                    + schema.table.quoted()
                                    + ") x group by place having count(*) > 1 union all select tableoid::text from"
                                    + " (select distinct tableoid, " + schema.placeOf("") + " from "
                                    + schema.table.quoted()
                                    + ") x group by tableoid having count(*) > 1"));
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
        Predicate<Long> leftOut = mark -> edit.leavesOut(mark) || deadLetters && mark == 3;
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
    }
}
