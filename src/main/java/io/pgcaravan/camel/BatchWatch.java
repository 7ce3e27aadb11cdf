package io.pgcaravan.camel;

import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks, from a thread of its own, at what the servers do for a job that is busy for long, and says in the log and in its
 * health what it waits for: a lock, a long statement, a server that does not answer.
 */
final class BatchWatch {

    private static final Logger LOG = LoggerFactory.getLogger(PgqConsumer.class);

    private static final String WAITING = Sql.file("queue/waiting");

    /** Without any change in both sessions this long, something is to be said, milliseconds. */
    private static final long LONGEST_PATIENCE = 60_000;

    private static final long SAY_AGAIN = 60_000;
    private static final int NETWORK_TIMEOUT = 10_000;

    /** One of the job's two sessions. */
    private record Session(String side, DataSource database, int pid) {}

    /** @param lock whether it waits for a lock; {@code seconds} since the session's state changed */
    private record Wait(long seconds, boolean lock, String said) {}

    private final PgqEndpoint endpoint;
    private final JobHealth health;
    private final long patience;
    private ScheduledExecutorService executor;

    /** When the work in progress began, by System.nanoTime; 0 while there is none. */
    private volatile long begun;

    private volatile int sourcePid;
    private volatile int targetPid;

    // of the watching thread
    private long saidAt;

    /** @param health null where nothing asks */
    BatchWatch(PgqEndpoint endpoint, JobHealth health) {
        this.endpoint = endpoint;
        this.health = health;
        this.patience = Math.min(LONGEST_PATIENCE, endpoint.getAnswerTimeout() / 2);
    }

    void start(CamelContext context, String route) {
        executor = context.getExecutorServiceManager().newSingleThreadScheduledExecutor(this, "pgq-watch-" + route);
        long period = Math.max(100, patience / 4);
        executor.scheduleWithFixedDelay(this::look, period, period, TimeUnit.MILLISECONDS);
    }

    void stop(CamelContext context) {
        if (executor != null) {
            context.getExecutorServiceManager().shutdownNow(executor);
            if (health != null) {
                health.waits(null);
            }
        }
    }

    /** @param source and {@code target} process ids of the two sessions, 0 for none */
    void sessions(int source, int target) {
        sourcePid = source;
        targetPid = target;
    }

    /** The job begins to work: from now on it is not waiting for a tick. */
    void begin() {
        begun = Math.max(1, System.nanoTime());
    }

    void end() {
        begun = 0;
    }

    private void look() {
        try {
            long since = begun;
            long seconds = (System.nanoTime() - since) / 1_000_000_000;
            String said = since == 0 || seconds * 1000 < patience ? null : waits();
            if (said != null && since != begun) {
                said = null;
            }
            if (health != null) {
                health.waits(said);
            }
            if (said == null) {
                saidAt = 0;
            } else if (saidAt == 0 || System.currentTimeMillis() - saidAt > SAY_AGAIN) {
                saidAt = System.currentTimeMillis();
                LOG.warn("queue \"{}\", consumer \"{}\": {}", endpoint.getQueue(), endpoint.getConsumer(), said);
            }
        } catch (RuntimeException | Error e) {
            // thrown on, it would end the schedule
            LOG.debug("the look at what the batch waits for failed: {}", e.toString());
        }
    }

    /** What both servers say; null where one of the sessions has done something lately. */
    private String waits() {
        String said = null;
        for (Session session : new Session[] {
            new Session("target", endpoint.getTarget(), targetPid),
            new Session("source", endpoint.getSource(), sourcePid)
        }) {
            Wait wait;
            try {
                wait = session.pid == 0 ? null : wait(session);
            } catch (SQLException e) {
                return "no progress, and the " + session.side + " database does not answer: " + e.getMessage();
            }
            if (wait != null && wait.seconds * 1000 < patience) {
                return null;
            }
            if (wait != null && wait.lock) {
                return wait.said;
            }
            said = wait == null ? said : said == null ? wait.said : said + "; " + wait.said;
        }
        return said == null ? null : "no progress: " + said + "; either a step is slow, or a server does not answer";
    }

    private static Wait wait(Session session) throws SQLException {
        try (Connection connection = session.database.getConnection()) {
            connection.setNetworkTimeout(Runnable::run, NETWORK_TIMEOUT);
            try (PreparedStatement statement = connection.prepareStatement(WAITING)) {
                statement.setInt(1, session.pid);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        return null;
                    }
                    long seconds = row.getLong("seconds");
                    String state = row.getString("state");
                    boolean lock = "active".equals(state) && "Lock".equals(row.getString("wait_event_type"));
                    String said = lock
                            ? "session " + session.pid + " of the " + session.side + " has waited for " + seconds
                                    + " s for a lock that session " + row.getString("blockers") + " holds: "
                                    + row.getString("query")
                            : "session " + session.pid + " of the " + session.side + " has been "
                                    + ("active".equals(state) ? "busy" : state) + " for " + seconds + " s"
                                    + ("active".equals(state) ? " with: " + row.getString("query") : "");
                    return new Wait(seconds, lock, said);
                }
            }
        }
    }
}
