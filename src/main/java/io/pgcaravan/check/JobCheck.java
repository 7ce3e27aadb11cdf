package io.pgcaravan.check;

import io.pgcaravan.queue.Pgq;
import io.pgcaravan.sql.SearchPath;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import javax.sql.DataSource;

/** Compares one job with its two databases. On both it works in transactions that are rolled back. */
public final class JobCheck {

    /** How long the trial on the target waits for a lock, so that a check never stands in anybody's way for long. */
    private static final String LIMITS = "set local lock_timeout = '2s'; set local statement_timeout = '60s';"
            // as a job has it
            + " set local time zone 'UTC'; set local datestyle = 'ISO, YMD'";

    private static final String TIME_LIMITS = Sql.file("check/time-limits");

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

    /** Those of the role, the database and the server a job lifts; the connection's own are meant for it. */
    private void timeLimits(String role, Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(TIME_LIMITS)) {
            while (row.next()) {
                findings.warning(role + ": the connection's options set " + row.getString("name") + " = "
                        + row.getString("value")
                        + ", which the job keeps to: what takes longer fails and is tried again, with the same end; leave it"
                        + " out of the connection string (those of roles and databases do not hold for jobs)");
            }
        }
        int socket = connection.getNetworkTimeout();
        if (socket > 0 && socket < job.answerTimeout()) {
            findings.warning(role + ": the connection's socketTimeout is " + socket / 1000
                    + " s: it ends what takes longer around batches (connecting, partitions made ahead, retention); batches"
                    + " go by the job's answerTimeout, " + job.answerTimeout() / 1000 + " s");
        }
    }

    /** A connection inside a transaction, read-only on the source; null where there is none to be had. */
    private Connection connect(String role, DataSource database) {
        try {
            Connection connection = database.getConnection();
            timeLimits(role, connection);
            connection.setAutoCommit(false);
            connection.setReadOnly(role.equals("source"));
            try (var statement = connection.createStatement()) {
                statement.execute(UNHURRIED);
                if (role.equals("source")) {
                    SearchPath.change(connection, SearchPath.PINNED, true);
                } else {
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
