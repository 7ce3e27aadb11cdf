package io.pgcaravan.torture;

import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.camel.Job;
import io.pgcaravan.camel.JobPlans;
import io.pgcaravan.camel.LogLines;
import io.pgcaravan.camel.Moment;
import io.pgcaravan.camel.RoutesProcess;
import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.check.Finding;
import io.pgcaravan.check.JobCheck;
import io.pgcaravan.grants.RoleGrants;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.server.ServerBinaries;
import io.pgcaravan.sql.Query;
import io.pgcaravan.torture.Schema.Column;
import io.pgcaravan.torture.Schema.Placing;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One job of dispatch: a table, a queue, a route with an edit, and faults, all out of one seed; in the end the target must be what it should. */
final class DispatchTorture extends Torture {

    private enum Fault {
        STOP_AND_START,
        CUT,
        CUT_AT_A_MOMENT,
        SWALLOWED_ANSWER,
        STALL,
        LOCKED_TABLE,
        TIME_OUT,
        KILL,
        PAUSE,
        SECOND_PROCESS,
        RESTART,
        READ_ONLY,
        FULL_DISK,
        PARTITION_TREE
    }

    /** Settings of the producers' sessions; texts in the queue depend on them. */
    private static final String[] PRODUCERS = {
        "timezone = 'Asia/Kathmandu'",
        "bytea_output = 'escape'",
        "xmloption = 'content'",
        "search_path = ''",
        "datestyle = 'SQL, DMY'",
        "datestyle = 'German'",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = 0"
    };

    private final String source = PgServer.get().createDatabaseWithPgq("torture_source");
    private final String target = PgServer.get().createDatabase("torture_target");
    private final Wire sourceWire = new Wire(source);
    private final Wire targetWire = new Wire(target);
    private final Schema schema;
    private final String table;
    private final String mode;
    private final boolean rows;
    private final boolean json;
    private final boolean truncates;
    private final boolean deadLetters;
    private final boolean fields;
    private final boolean lock;
    private final boolean asRole;
    private final Disk disk;
    private final int chunkEvents;
    private final List<String> added = new ArrayList<>();
    private final List<String> gone = new ArrayList<>();
    private int columns;
    private final Workload workload;
    private final LogLines log = LogLines.of("io.pgcaravan");
    private final AtomicReference<Moment> armed = new AtomicReference<>();
    private boolean swallow;
    private String cut = "target";
    private final RouteEdit edit;
    private String login = "user=";
    private Job job;

    DispatchTorture(Random random, List<String> plan, Path directory) throws Exception {
        super(random, plan, directory);
        mode = pick("append", "keep_all", "keep_latest", "plain");
        boolean keyed = mode.equals("keep_latest") || mode.equals("plain");
        rows = random.nextBoolean();
        json = oneIn(4);
        fields = oneIn(4);
        lock = !oneIn(4);
        chunkEvents = pick(1, 7, 100, 5000);
        truncates = keyed || random.nextBoolean();
        schema = new Schema(random, pick(Placing.values()), !oneIn(3), fields, "");
        table = schema.table.quoted();
        RouteEdit chosen = pick(RouteEdit.of(rows ? "rows" : "chunks", false));
        // what a keyed mode nets is one row of the first table and several of the second
        edit = keyed && chosen.option().equals("second") ? RouteEdit.of(rows ? "rows" : "chunks", false)[0] : chosen;
        deadLetters = !edit.option().equals("second") && oneIn(6);
        asRole = oneIn(4) && ServerBinaries.find().isPresent();
        disk = oneIn(8) && ServerBinaries.find().isPresent() ? Disk.mount(64, "postgres") : null;
        plan.add("dispatch of " + schema);
        plan.add(mode + ", " + (rows ? "rows" : "chunks") + ", " + (json ? "jsontriga" : "logutriga") + ", edit \""
                + edit.name() + "\"" + (deadLetters ? ", dead letters of mark 3" : "")
                + (fields ? ", fields listed" : "") + (lock ? "" : ", no lock") + (asRole ? ", as a role" : ""));
        prepare(keyed);
        workload = new Workload(random, List.of(schema), source, false, this::addColumn);
        // a search for bad rows is slow
        workload.largest = deadLetters ? 60 : 3000;
    }

    private void prepare(boolean keyed) throws SQLException {
        String settings = "";
        if (oneIn(2)) {
            settings = "set " + pick(PRODUCERS);
            plan.add("producers " + settings);
        }
        String function = "execute function pgq." + (json ? "jsontriga" : "logutriga") + "('queue'"
                + (random.nextBoolean() ? ", 'backup'" : "") + ")";
        try (Connection connection = pinned(source)) {
            for (Queues.Unpinned unpinned : new Queues("pgq").unpinned(connection)) {
                Query.execute(connection, unpinned.statement());
            }
        }
        sql(source, Schema.BEFORE, schema.source(), """
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
                .replace("TABLE", table));
        if (disk != null) {
            plan.add("a small disk");
            String space = Schema.quote(name(target));
            sql(
                    PgServer.get().jdbcUrl("postgres"),
                    "create tablespace " + space + " location '" + disk.directory + "'",
                    "alter database " + space + " set tablespace " + space);
        }
        sql(
                target,
                Schema.BEFORE,
                schema.target(keyed && !oneIn(3), oneIn(4)),
                "create table public.second (nr bigint)",
                deadLetters ? "alter table " + table + " add constraint not_three check (mark <> 3)" : "");
        settings(source);
        settings(target);
    }

    private void addColumn(Schema of) throws SQLException {
        if (!gone.isEmpty()) {
            return;
        }
        String name = "added " + columns++;
        String ddl = "alter table " + table + " add column " + Schema.quote(name) + " text";
        try (Connection connection = pinned(target)) {
            Query.execute(connection, "set lock_timeout = '1s'", ddl);
        } catch (SQLException e) {
            // the job stands still in a transaction
            return;
        }
        sql(source, ddl);
        workload.counts.merge("add column", 1, Integer::sum);
        if (!fields) {
            added.add(name);
        }
    }

    // ---- what happens

    @Override
    void run() throws Exception {
        start(edit);
        within("the consumer is not registered", () -> number(source, "select count(*) from pgq.subscription") == 1);
        if (asRole) {
            becomeRole();
        }
        steps(10);
        if (deadLetters) {
            sql(source, "select pgq.insert_event('queue', 'I:id', 'nr=%zz', 'x', null, null, null)");
        }
        if (random.nextInt(5) < 3) {
            obstacle();
        }
        for (int i = 0; i < 2; i++) {
            round(
                    disk != null && i == 0
                            ? Fault.FULL_DISK
                            : pick(Stream.of(Fault.values())
                                    .filter(f -> f != Fault.FULL_DISK && (!truncates || f != Fault.PARTITION_TREE))
                                    .toArray(Fault[]::new)));
        }
        drain();
        check();
    }

    /** From now on the job has what caravan grants prints, and no more. */
    private void becomeRole() throws Exception {
        CheckedJob planned = JobPlans.of(job.context()).get("job").job();
        String role = name(target) + " o'x";
        sql(
                target,
                "create role " + Schema.quote(role) + " login password 'secret'",
                "grant insert on public.second to " + Schema.quote(role));
        psql(source, new RoleGrants(role).source(List.of(planned)).script());
        psql(target, new RoleGrants(role).target(List.of(planned)).script());
        stop();
        login = "user=" + role.replace(" ", "%20") + "&password=secret&was=";
        start(edit);
    }

    private void psql(String url, String script) throws Exception {
        Path file = Files.writeString(Files.createTempFile(directory, "grants", ".sql"), script);
        Process psql = new ProcessBuilder(
                        ServerBinaries.find().orElseThrow().program("psql").toString(),
                        "-Xqv",
                        "ON_ERROR_STOP=1",
                        "-f",
                        file.toString(),
                        url.replace("jdbc:", ""))
                .redirectErrorStream(true)
                .start();
        String output = new String(psql.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (psql.waitFor() != 0) {
            throw new AssertionError("the grants fail: " + output);
        }
    }

    private String url(Wire wire) {
        return login.equals("user=") ? wire.url() : wire.url().replaceFirst("user=.*", login);
    }

    private void start(RouteEdit of) throws Exception {
        job = new Job(url(sourceWire), url(targetWire), properties(), this::passes, write(of));
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
        sql(source, "select pgq.force_tick('queue')", "select pgq.ticker('queue')");
    }

    private void more(int rows) throws SQLException {
        workload.bulk(rows);
        tick();
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

    private void within(String otherwise, Callable<Boolean> condition) throws Exception {
        try {
            await().atMost(Duration.ofSeconds(180)).ignoreExceptions().until(condition);
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            throw new AssertionError(otherwise + " (position " + position() + "); the log:\n" + tail(log.text()), e);
        }
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
            sql(target, "alter table " + table + " " + change[0]);
        }
        more(30);
        within("no error that says \"" + said + "\"; " + refusal, () -> names(log.text() + refusal, said));
        Thread.sleep(100);
        if (position() != position) {
            throw new AssertionError("the position moved in spite of the obstacle; the log:\n" + tail(log.text()));
        }
        if (harmful) {
            difference("rows committed in spite of the obstacle", before, actual());
            stop();
            start(edit);
        } else {
            sql(target, "alter table " + table + " " + change[1]);
        }
    }

    private void round(Fault fault) throws Exception {
        plan.add("fault: " + fault);
        steps(5 + random.nextInt(10));
        Wire wire = pick(sourceWire, targetWire);
        switch (fault) {
            case STOP_AND_START -> {
                stop();
                steps(5);
                start(edit);
            }
            case CUT -> cut(pick("source", "target"));
            case CUT_AT_A_MOMENT, SWALLOWED_ANSWER -> {
                swallow = fault == Fault.SWALLOWED_ANSWER;
                cut = swallow ? "target" : pick("source", "target");
                armed.set(swallow ? Moment.BEFORE_COMMIT : pick(Moment.values()));
                plan.add("at " + armed.get() + " of " + cut);
                more(50);
                within("the moment never came", () -> armed.get() == null);
            }
            case STALL -> {
                plan.add("of " + name(wire.toString()));
                more(50);
                if (random.nextBoolean()) {
                    wire.swallow(300 + random.nextInt(500));
                } else {
                    wire.stall(300 + random.nextInt(500));
                }
            }
            case LOCKED_TABLE -> {
                more(10);
                patiently(target, "lock table " + table, "select pg_sleep(0.8)");
            }
            case TIME_OUT -> {
                String which = pick("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout");
                String url = pick(source, target);
                plan.add(which + " of " + name(url));
                setting(url, "set " + which + " = '30ms'");
                cut(url.equals(source) ? "source" : "target");
                more(500);
                Thread.sleep(500);
                setting(url, "reset " + which);
            }
            case KILL, PAUSE -> process(fault, pick(Moment.values()));
            case SECOND_PROCESS -> {
                Job first = job;
                start(edit);
                steps(8);
                more(100);
                Job other = job;
                job = pick(first, other);
                (job == first ? other : first).close();
            }
            case READ_ONLY -> {
                setting(target, "set default_transaction_read_only = on");
                cut("target");
                more(10);
                within("no error says read-only", () -> log.text().contains("read-only"));
                setting(target, "reset default_transaction_read_only");
            }
            case FULL_DISK -> {
                disk.fill();
                more(3000);
                within("no error says that the disk is full", () -> log.text().contains("No space left"));
                disk.free();
            }
            case PARTITION_TREE -> changeTree();
            case RESTART -> {
                PgServer.get().restart(random.nextBoolean());
                workload.reconnect();
            }
        }
        steps(5 + random.nextInt(10));
    }

    private void process(Fault fault, Moment moment) throws Exception {
        stop();
        steps(5);
        more(200);
        boolean atRandom = fault == Fault.KILL && random.nextBoolean();
        plan.add(atRandom ? "at random" : "at " + moment);
        try (RoutesProcess process = RoutesProcess.start(
                url(sourceWire), url(targetWire), properties(), atRandom ? null : moment, write(edit))) {
            if (atRandom) {
                Thread.sleep(1500 + random.nextInt(2000));
            } else {
                process.awaitArrival();
            }
            steps(5);
            if (fault == Fault.PAUSE) {
                process.pause();
                cut("source");
                cut("target");
                start(edit);
                long position = position();
                more(20);
                within("the standby never took over", () -> position() > position);
                process.goOn();
                process.resume();
                Thread.sleep(300);
            }
        }
        if (job == null) {
            start(edit);
        }
    }

    /** A partition is detached and comes back or is renamed, or the parent is renamed and made anew. */
    private void changeTree() throws Exception {
        tick();
        drain();
        String members =
                " from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = '" + table + "'::regclass";
        List<String> partitions = column(target, "select c.oid::regclass" + members + " order by c.relname");
        String name = schema.quoted("gone" + gone.size());
        if (partitions.isEmpty() || oneIn(3)) {
            plan.add("another parent");
            String key = column(target, "select pg_get_partkeydef('" + table + "'::regclass)")
                    .get(0);
            String owner = column(
                            target, "select relowner::regrole from pg_class where oid = '" + table + "'::regclass")
                    .get(0);
            patiently(
                    target,
                    "do $$ declare r record; begin for r in select c.oid::regclass as t, c.oid as o" + members
                            + " loop execute format('alter table %s rename to %I', r.t, 'gone_' || r.o); end loop; end $$",
                    "alter table " + table + " rename to gone" + gone.size(),
                    "create table " + table + " (like " + name + " including all)"
                            + (key == null ? "" : " partition by " + key),
                    "alter table " + table + " owner to " + owner);
            gone.add(name);
            more(100);
            return;
        }
        String partition = partitions.get(random.nextInt(partitions.size()));
        boolean inherits = schema.placing == Placing.INHERITED_DATE;
        String bound = column(
                        target,
                        "select pg_get_expr(relpartbound, oid) from pg_class where oid = '" + partition + "'::regclass")
                .get(0);
        String detach = inherits
                ? "alter table " + partition + " no inherit " + table
                : "alter table " + table + " detach partition " + partition;
        if (random.nextBoolean()) {
            plan.add(partition + " is away for a while");
            patiently(target, detach);
            more(100);
            Thread.sleep(300);
            patiently(
                    target,
                    inherits
                            ? "alter table " + partition + " inherit " + table
                            : "alter table " + table + " attach partition " + partition + " " + bound);
        } else {
            plan.add(partition + " is renamed");
            String rename = "alter table " + partition + " rename to gone" + gone.size();
            if (inherits || random.nextBoolean()) {
                patiently(target, detach, rename);
            } else {
                sql(target, detach + " concurrently", rename);
            }
            gone.add(name);
            more(100);
        }
    }

    private void passes(String moment, Connection connection) throws SQLException {
        Moment at = armed.get();
        if (at != null
                && at.is(moment)
                && (!swallow || connection.getCatalog().equals(name(target)))
                && armed.compareAndSet(at, null)) {
            if (swallow) {
                targetWire.swallow(300);
            } else {
                cut(cut);
            }
        }
    }

    private void cut(String role) throws SQLException {
        try (Connection connection = pinned(role.equals("source") ? source : target)) {
            Query.execute(
                    connection,
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and"
                            + " application_name = 'pgcaravan'");
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
                      parameters: {consumer: test, source: "#sourceDb", target: "#targetDb", lock: %s, onError: %s, onFiltered: %s,
                        exceptionSleep: 200, delay: 50, initialDelay: 10, chunkEvents: %d}
                      steps:
                        - split:
                            simple: "${body%s}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:%s", parameters: {eventTypes: "I, U, D, R"%s}}
                %s""".formatted(
                        of.option().equals("errors") ? errors : "",
                        lock,
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
            String pairs = " from (select distinct tableoid, " + schema.placeOf("") + " as place from " + table
                    + ") x group by ";
            difference(
                    "places in more than one partition, or partitions with more than one place",
                    List.of(),
                    column(
                            target,
                            "select place" + pairs + "place having count(*) > 1 union all select tableoid::text" + pairs
                                    + "tableoid having count(*) > 1"));
        }
        difference(
                "problems that the check finds with a job that works",
                List.of(),
                JobCheck.of(JobPlans.of(job.context()).get("job").job()).stream()
                        .filter(finding -> finding.level() == Finding.Level.PROBLEM)
                        .map(Object::toString)
                        .toList());
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
        String texts = compared().stream()
                .map(column -> Schema.quote(column.target()) + "::text")
                .collect(Collectors.joining(", "));
        return sorted(
                target,
                Stream.concat(Stream.of(table), gone.stream())
                        .map(of -> "select row(" + texts + ", own)::text from " + of)
                        .collect(Collectors.joining(" union all ")));
    }

    @Override
    public void close() throws Exception {
        log.close();
        stop();
        workload.close();
        sourceWire.close();
        targetWire.close();
        drop(source, target);
        String postgres = PgServer.get().jdbcUrl("postgres");
        if (disk != null) {
            sql(postgres, "drop tablespace " + Schema.quote(name(target)));
            disk.close();
        }
        sql(postgres, "drop role if exists " + Schema.quote(name(target) + " o'x"));
    }
}
