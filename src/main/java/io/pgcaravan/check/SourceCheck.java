package io.pgcaravan.check;

import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Queues;
import io.pgcaravan.queue.Source;
import io.pgcaravan.row.ServerEncoding;
import io.pgcaravan.sql.Sql;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The side of the queue. The connection is inside a read-only transaction. */
final class SourceCheck {

    private static final String RIGHTS = Sql.file("check/pgq-rights");

    /**
     * What the target's side needs to know.
     *
     * @param identity null where the source could not be looked at
     * @param queue whether the queue is there and can be read
     * @param feeders the triggers that fill it
     * @param encoding of url-encoded bytes
     */
    record Seen(Source identity, boolean queue, List<Feeder> feeders, Charset encoding, String serverEncoding) {

        static final Seen NOTHING = new Seen(null, false, List.of(), StandardCharsets.UTF_8, null);
    }

    private final CheckedJob job;
    private final Findings findings;

    SourceCheck(CheckedJob job, Findings findings) {
        this.job = job;
        this.findings = findings;
    }

    Seen look(Connection source) {
        Seen seen = Seen.NOTHING;
        try {
            Server server = Server.of(source);
            server.judge("source", job.source(), findings);
            Charset encoding = encoding(source, server);
            seen = new Seen(Source.of(source), false, List.of(), encoding, server.encoding());
            if (!pgq(source, server) || !queue(source, server)) {
                return seen;
            }
            List<Feeder> feeders = Feeder.of(source, job.schema(), job.queue(), encoding);
            feeders.forEach(this::feeder);
            SourceValues.look(source, job.schema(), job.encoding(), feeders, findings);
            if (feeders.isEmpty()) {
                findings.warning(
                        "no trigger writes into queue \"" + job.queue() + "\": unless a program does, make one:"
                                + " caravan queue create " + job.queue() + " --table SCHEMA.TABLE");
            }
            return new Seen(seen.identity(), true, feeders, encoding, server.encoding());
        } catch (SQLException e) {
            findings.problem("source: " + e.getMessage() + rights(e, "a member of pgq_reader"));
            rollback(source);
            return seen;
        }
    }

    private Charset encoding(Connection source, Server server) throws SQLException {
        String encoding =
                job.encoding() == null ? new Pgq(job.schema()).encoding(source, server.encoding()) : job.encoding();
        try {
            return ServerEncoding.charsetOf(encoding);
        } catch (IllegalArgumentException e) {
            findings.problem("source: " + e.getMessage());
            return StandardCharsets.UTF_8;
        }
    }

    private boolean pgq(Connection source, Server server) throws SQLException {
        Pgq pgq = new Pgq(job.schema());
        if (!pgq.isInstalled(source)) {
            findings.problem("there is no PgQ in database \"" + server.database() + "\" (no table " + job.schema()
                    + ".queue): as a superuser, create extension pgq (package postgresql-NN-pgq3)");
            return false;
        }
        List<String> lacking = new ArrayList<>();
        try (PreparedStatement statement = source.prepareStatement(RIGHTS)) {
            for (int i = 1; i <= 4; i++) {
                statement.setString(i, job.schema());
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    lacking.add(row.getString(1));
                }
            }
        }
        if (!lacking.isEmpty()) {
            findings.problem("role \"" + server.role() + "\" may not consume queues (it lacks "
                    + String.join(", ", lacking) + "): grant " + job.schema() + "_reader to \"" + server.role() + "\"");
            return false;
        }
        try (Statement statement = source.createStatement();
                ResultSet row = statement.executeQuery("select " + job.schema() + ".version()")) {
            row.next();
            String version = row.getString(1);
            if (version.matches("[012]\\..*")) {
                findings.problem("PgQ is version " + version + "; version 3 is needed: alter extension pgq update");
                return false;
            }
            findings.ok("PgQ " + version + " in schema " + job.schema() + ", which \"" + server.role() + "\" may use");
        }
        return true;
    }

    private boolean queue(Connection source, Server server) throws SQLException {
        for (Queues.Line line : new Queues(job.schema()).overview(source)) {
            if (line.queue().equals(job.queue())) {
                ticks(line);
                return true;
            }
        }
        findings.problem("there is no queue \"" + job.queue() + "\" in database \"" + server.database()
                + "\": caravan queue create " + job.queue());
        return false;
    }

    private void ticks(Queues.Line line) {
        String problem = line.tickerProblem(job.schema());
        if (problem != null) {
            findings.warning(problem);
        } else {
            findings.ok("queue \"" + job.queue() + "\"" + (line.ticker().equals("own") ? "" : ", ticked from outside,")
                    + (line.tickAge() == null
                            ? " has no tick yet"
                            : " had its last tick " + String.format(Locale.ROOT, "%.1f", line.tickAge()) + " s ago"));
        }
    }

    private void feeder(Feeder feeder) {
        String trigger = "trigger \"" + feeder.trigger() + "\" on " + feeder.table();
        if (!List.of("logutriga", "jsontriga").contains(feeder.function())) {
            findings.problem(trigger + " calls " + job.schema() + "." + feeder.function()
                    + ", whose events are not read here: let it call " + job.schema() + ".logutriga");
        } else if (feeder.silent().isEmpty() && feeder.replicated().isEmpty()) {
            findings.ok(trigger + " writes " + feeder.changes() + " into the queue"
                    + (feeder.onUpdate() && !feeder.key().isEmpty()
                            ? "; it refuses updates that change the key (" + String.join(", ", feeder.key()) + ")"
                            : ""));
        }
        String format = feeder.function().equals("jsontriga") ? "jsontriga" : "logutriga";
        for (CheckedJob.Load load : job.loads()) {
            boolean comesHere = load.sourceTable() == null || load.sourceTable().equals(feeder.table());
            if (comesHere && !load.format().equals(format)) {
                findings.problem(trigger + " writes events of the format " + format + ", and the job reads them as "
                        + load.format() + ": set pgq-decode:" + format);
                return;
            }
        }
    }

    static String rights(SQLException failure, String needed) {
        return "42501".equals(failure.getSQLState()) ? "; the role has to be " + needed : "";
    }

    static void rollback(Connection connection) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            // the next statement says that it is gone
        }
    }
}
