package io.pgcaravan.check;

import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Source;
import io.pgcaravan.row.ServerEncoding;
import io.pgcaravan.sql.Sql;
import java.nio.charset.Charset;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What at a source keeps changes from the queue, or lets values reach it other than they are in the table. */
public final class SourceValues {

    private static final String SETTINGS = Sql.file("check/producer-settings");
    private static final String FILE = Sql.file("check/server-file");
    private static final String MAY_READ_FILE = "select has_table_privilege('pg_catalog.pg_file_settings', 'select')"
            + " and has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute')";

    private final Connection source;
    private final String schema;
    private final Findings findings;

    private SourceValues(Connection source, String schema, Findings findings) {
        this.source = source;
        this.schema = schema;
        this.findings = findings;
    }

    /**
     * What loses or changes values: for certain, or when a session with such settings writes.
     *
     * @param schema of PgQ's functions
     * @param encoding that the job names for url-encoded bytes, else null
     */
    public static List<String> problems(Connection source, String schema, String queue, String encoding)
            throws SQLException {
        Findings findings = new Findings();
        Charset charset = ServerEncoding.charsetOf(Source.of(source).encoding());
        look(source, schema, encoding, Feeder.of(source, schema, queue, charset), findings);
        return findings.all().stream()
                .filter(finding -> finding.level() == Finding.Level.PROBLEM)
                .map(Finding::said)
                .toList();
    }

    static void look(Connection source, String schema, String encoding, List<Feeder> feeders, Findings findings)
            throws SQLException {
        if (feeders.isEmpty()) {
            return;
        }
        SourceValues values = new SourceValues(source, schema, findings);
        feeders.forEach(values::fires);
        values.settings(feeders);
        feeders.forEach(values::namesOfObjects);
        boolean escapes = feeders.stream().anyMatch(feeder -> feeder.function().equals("logutriga"));
        if (escapes && encoding != null && !encoding.equalsIgnoreCase(new Pgq(schema).encoding(source, encoding))) {
            findings.problem(
                    "function " + schema + ".logutriga is not written in C and writes texts in UTF8, and the job"
                            + " reads " + encoding + ": leave encoding out");
        }
    }

    private void fires(Feeder feeder) {
        String trigger = "trigger \"" + feeder.trigger() + "\" on ";
        for (String table : feeder.silent()) {
            findings.problem(trigger + table + " is disabled"
                    + (feeder.enabled().equals("R") ? " except for rows that replication applies" : "")
                    + ", so that changes do not reach the queue: alter table " + table + " enable trigger \""
                    + feeder.trigger() + "\"");
        }
        for (String table : feeder.replicated()) {
            findings.problem(trigger + table + " does not fire for rows that the table's subscription applies, so that"
                    + " these do not reach the queue: alter table " + table + " enable always trigger \""
                    + feeder.trigger() + "\"");
        }
    }

    /** The trigger function's settings cannot do it: expressions that people gave it look for names too. */
    private void namesOfObjects(Feeder feeder) {
        feeder.columns().forEach((name, column) -> {
            if (column.type().matches("reg\\w+(\\[])?")) {
                findings.warning("column \"" + name + "\" of " + feeder.table() + " is of type " + column.type()
                        + ", whose values are written without their schema where the search_path of the session at work has it,"
                        + " and read by that of the job's role: name the schema in a text column instead");
            }
        });
    }

    private record Setting(String who, String name, String value) {
        @Override
        public String toString() {
            return who + " has " + name + " = " + value;
        }
    }

    private void settings(List<Feeder> feeders) throws SQLException {
        boolean money = feeders.stream().anyMatch(feeder -> feeder.columns().values().stream()
                .anyMatch(column -> column.type().startsWith("money")));
        List<Setting> settings = new ArrayList<>();
        try (PreparedStatement statement = source.prepareStatement(SETTINGS)) {
            statement.setBoolean(1, money);
            read(statement.executeQuery(), settings);
        }
        try (Statement statement = source.createStatement()) {
            ResultSet may = statement.executeQuery(MAY_READ_FILE);
            may.next();
            if (may.getBoolean(1)) {
                read(statement.executeQuery(FILE), settings);
            }
        }
        for (Setting setting : settings) {
            if (setting.name.equals("session_replication_role")) {
                feeders.stream()
                        .filter(feeder -> !feeder.enabled().equals("A"))
                        .forEach(feeder -> findings.problem(setting + ", so that its changes do not fire trigger \""
                                + feeder.trigger() + "\": alter table " + feeder.table() + " enable always trigger \""
                                + feeder.trigger() + "\""));
            }
        }
        String changing = settings.stream()
                .filter(setting -> !setting.name.equals("session_replication_role"))
                .map(Setting::toString)
                .collect(Collectors.joining(", "));
        Set<String> used = feeders.stream().map(Feeder::function).collect(Collectors.toSet());
        boolean pinned = true;
        for (Queues.Unpinned function : new Queues(schema).unpinned(source)) {
            if (!used.contains(function.function())) {
                continue;
            }
            pinned = false;
            if (changing.isEmpty()) {
                findings.warning("function " + schema + "." + function.function() + " writes values as each session"
                        + " has DateStyle, IntervalStyle and others set; as its owner: " + function.statement());
            } else {
                findings.problem(changing + ": values that such sessions write arrive changed, or not at all; as the"
                        + " owner of the trigger function: " + function.statement());
            }
        }
        if (pinned) {
            findings.ok("values are written alike by all sessions");
        }
    }

    private static void read(ResultSet row, List<Setting> settings) throws SQLException {
        while (row.next()) {
            settings.add(new Setting(row.getString("who"), row.getString("name"), row.getString("value")));
        }
    }
}
