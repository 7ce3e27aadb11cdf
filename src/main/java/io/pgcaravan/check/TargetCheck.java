package io.pgcaravan.check;

import io.pgcaravan.batch.Consumers;
import io.pgcaravan.batch.Ledger;
import io.pgcaravan.batch.LostPositionException;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.queue.Source;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;

/** The side that is written to. The connection is inside a transaction, and goes back to where it was at the end. */
final class TargetCheck {

    private static final String LEDGER_RIGHTS = Sql.file("check/ledger-rights");
    private static final String RUNNING = Sql.file("check/running");

    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String NOT_ALLOWED = "42501";

    private final CheckedJob job;
    private final Findings findings;

    TargetCheck(CheckedJob job, Findings findings) {
        this.job = job;
        this.findings = findings;
    }

    void look(Connection source, Connection target, SourceCheck.Seen seen) throws SQLException {
        try {
            Server server = Server.of(target);
            server.judge("target", job.target(), findings);
            compareEncodings(server, seen);
            if (server.standby()) {
                return;
            }
            Ledger ledger = ledger(target, seen);
            if (ledger != null && seen.queue()) {
                position(source, target, seen, ledger);
            }
            for (CheckedJob.Load load : job.loads()) {
                if (load.settings() != null && load.settings().rowMode().keyed() && !server.temporaryTables()) {
                    findings.problem("role \"" + server.role() + "\" may not make temporary tables, which "
                            + "rowMode=" + load.settings().rowMode().name().toLowerCase(java.util.Locale.ROOT)
                            + " needs: grant temporary on database \"" + server.database() + "\" to \""
                            + server.role() + "\"");
                }
                inside(target, "table " + load.table(), () -> new LoadCheck(load, target, seen, findings).look());
            }
        } finally {
            SourceCheck.rollback(target);
        }
    }

    private void compareEncodings(Server server, SourceCheck.Seen seen) {
        String source = seen.serverEncoding();
        if (source != null
                && !source.equals(server.encoding())
                && !server.encoding().equals("UTF8")) {
            findings.warning("the source is encoded in " + source + ", the target in " + server.encoding()
                    + ": rows with characters that " + server.encoding() + " lacks cannot be loaded");
        }
    }

    private Ledger ledger(Connection target, SourceCheck.Seen seen) throws SQLException {
        // without a source the position cannot be judged, but what partitions are recorded in can be installed
        Source source = seen.identity() == null ? new Source("", "", "UTF8") : seen.identity();
        Ledger[] ledger = new Ledger[1];
        inside(target, "the ledger (schemas pgq_ext and caravan)", () -> {
            boolean complete = Ledger.isComplete(target);
            ledger[0] = tryOut(target, source);
            failures(target);
            String lacking = lacking(target);
            if (lacking != null) {
                findings.problem("the role may not write the ledger: grant " + lacking
                        + " to it, and usage on the schemas (caravan grants prints the SQL)");
            } else if (complete) {
                findings.ok("the ledger (schemas pgq_ext and caravan) is there");
            } else {
                findings.ok("the ledger (schemas pgq_ext and caravan) is not complete yet; the job may install it");
            }
            return null;
        });
        return ledger[0];
    }

    private Ledger tryOut(Connection target, Source source) throws SQLException {
        Savepoint before = target.setSavepoint();
        try {
            return Ledger.tryOut(target, job.consumer(), source);
        } catch (SQLException e) {
            target.rollback(before);
            throw NOT_ALLOWED.equals(e.getSQLState()) && Ledger.isThere(target)
                    ? new SQLException(
                            e.getMessage()
                                    + ": this version adds to the ledger, and the job's role may not; as the owner of"
                                    + " the tables in schema caravan, run what caravan grants prints",
                            e)
                    : e;
        }
    }

    /** A job works where its errors cannot be kept, but nothing outside its process tells them then. */
    private void failures(Connection target) throws SQLException {
        Savepoint before = target.setSavepoint();
        try (Statement statement = target.createStatement()) {
            if (!OwnTables.exists(target, "caravan.job")) {
                OwnTables.make(statement, "caravan.job");
            }
            // asks for the rights to read and to write
            statement.execute("select from caravan.job where false for update");
            statement.execute("insert into caravan.job (consumer, queue) select '', '' where false");
        } catch (SQLException e) {
            if (!NOT_ALLOWED.equals(e.getSQLState())) {
                throw e;
            }
            target.rollback(before);
            findings.warning("the role cannot keep the job's last error in caravan.job (" + e.getMessage()
                    + "): status cannot say that it fails, or why; as the owner of schema caravan, run what caravan grants"
                    + " prints");
        }
    }

    private String lacking(Connection target) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(LEDGER_RIGHTS)) {
            statement.setBoolean(1, job.loads().stream().anyMatch(load -> load.partition() != null));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private void position(Connection source, Connection target, SourceCheck.Seen seen, Ledger ledger)
            throws SQLException {
        String consumer = "consumer \"" + job.consumer() + "\"";
        try {
            Ledger.Applied applied = ledger.applied(target, job.queue());
            Consumers consumers = new Consumers(new Pgq(job.schema()), job.queue(), job.consumer());
            Pgq.Registration registered = consumers.compare(source, seen.identity(), applied);
            if (registered == null && !job.registers()) {
                findings.problem(consumer + " is not registered, and the job does not register it (register=false): "
                        + consumers.registerCommand());
            } else if (registered == null) {
                findings.ok(consumer + " is not registered yet; the job registers it at "
                        + (applied == null
                                ? "the queue's latest tick, so that earlier events are not seen"
                                : "tick " + applied.tick() + ", where the target stands"));
            } else if (applied == null && job.acceptsUnknownStart()) {
                findings.warning(consumer + " is registered at tick " + registered.tick()
                        + ", and the target knows nothing of it: the job begins there (acceptUnknownStart=true), and rows of"
                        + " earlier events may be missing");
            } else if (applied == null) {
                findings.problem(consumer + " is registered at tick " + registered.tick()
                        + ", and the target knows nothing of it: the job will not start, as rows of earlier events may be"
                        + " missing. If it is to start from there: caravan queue reset " + job.queue() + " "
                        + job.consumer());
            } else if (applied.tick() == registered.tick()) {
                findings.ok(consumer + " goes on after tick " + applied.tick() + ", where source and target stand");
            } else {
                findings.ok(
                        consumer + " has batch " + registered.batch() + " open, which is in the target already (tick "
                                + applied.tick() + "); the job finishes it and goes on");
            }
            if (runs(target)) {
                findings.ok(consumer + " is at work: a job holds its lock now");
            }
        } catch (LostPositionException e) {
            findings.problem(e.getMessage());
        }
    }

    private boolean runs(Connection target) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement(RUNNING)) {
            statement.setString(1, job.consumer());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    @FunctionalInterface
    private interface Work {
        Object run() throws SQLException;
    }

    /** Does a part of the check from which the transaction survives. */
    private void inside(Connection target, String what, Work work) throws SQLException {
        Savepoint before = target.setSavepoint();
        try {
            work.run();
        } catch (SQLException e) {
            target.rollback(before);
            if (LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                findings.warning(what + " could not be tried out, because somebody else holds a lock on it: check again"
                        + " later");
            } else {
                findings.problem(what + ": " + e.getMessage()
                        + SourceCheck.rights(e, "allowed to create schemas there, or somebody else runs the job once"));
            }
        }
    }
}
