package io.pgcaravan.check;

import io.pgcaravan.queue.Pgq;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;

/** Compares one job with its two databases. On both it works in transactions that are rolled back. */
public final class JobCheck {

    /** How long the trial on the target waits for a lock, so that a check never stands in anybody's way for long. */
    private static final String LIMITS = "set local lock_timeout = '2s'; set local statement_timeout = '60s';"
            // as a job has it
            + " set local time zone 'UTC'; set local datestyle = 'ISO, YMD'";

    /** Each transaction waits while the other database is looked at; a role's own limits do not count. */
    private static final String UNHURRIED = "select set_config(name, '0', true) from pg_settings"
            + " where name in ('idle_in_transaction_session_timeout', 'statement_timeout', 'transaction_timeout')";

    private final CheckedJob job;
    private final Findings findings = new Findings();

    private JobCheck(CheckedJob job) {
        this.job = job;
    }

    /** Everything that was looked at. A database that cannot be reached is a finding too. */
    public static List<Finding> of(CheckedJob job) {
        JobCheck check = new JobCheck(job);
        check.run();
        return check.findings.all();
    }

    private void run() {
        Connection source = connect("source", job.source());
        Connection target = connect("target", job.target());
        try (source;
                target) {
            SourceCheck sourceCheck = new SourceCheck(job, findings);
            SourceCheck.Seen seen = source == null ? SourceCheck.Seen.NOTHING : sourceCheck.look(source);
            if (target != null) {
                new TargetCheck(job, findings).look(source, target, seen);
            }
            for (CheckedJob.Forward forward : job.forwards()) {
                look(forward);
            }
        } catch (SQLException e) {
            findings.problem("the check broke off: " + e.getMessage());
        }
    }

    private void look(CheckedJob.Forward forward) {
        String queue = "queue \"" + forward.queue() + "\", which events go to,";
        try (Connection connection = forward.database().getConnection()) {
            Pgq pgq = new Pgq(forward.schema());
            if (!pgq.isInstalled(connection)) {
                findings.problem("there is no PgQ in " + forward.database() + " for " + queue
                        + ": as a superuser, create extension pgq");
            } else if (!pgq.hasQueue(connection, forward.queue())) {
                findings.problem(queue + " is not there in " + forward.database() + ": caravan queue create "
                        + forward.queue() + " --db ...");
            } else {
                findings.ok(queue + " is there");
            }
        } catch (SQLException e) {
            findings.problem(queue + " cannot be looked at: " + e.getMessage());
        }
    }

    /** A connection inside a transaction, read-only on the source; null where there is none to be had. */
    private Connection connect(String role, DataSource database) {
        try {
            Connection connection = database.getConnection();
            connection.setAutoCommit(false);
            connection.setReadOnly(role.equals("source"));
            try (var statement = connection.createStatement()) {
                statement.execute(UNHURRIED);
                if (role.equals("target")) {
                    statement.execute(LIMITS);
                }
            }
            return connection;
        } catch (SQLException e) {
            findings.problem(role + ": " + e.getMessage());
            return null;
        }
    }
}
