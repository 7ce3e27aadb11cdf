package io.pgcaravan.camel;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * A pool that hands the batch's own connection to every step that runs inside the batch, so that whatever asks for a
 * connection joins its transaction.
 */
public final class BatchDataSource extends DelegatingDataSource implements AutoCloseable {

    private final HikariDataSource pool;
    private final String url;

    /** @param url for messages, without a password */
    public BatchDataSource(HikariDataSource pool, String url) {
        super(pool);
        this.pool = pool;
        this.url = url;
    }

    @Override
    public Connection getConnection() throws SQLException {
        Attempt attempt = Attempt.current();
        Connection joined = attempt == null ? null : attempt.connectionOf(this);
        if (joined != null) {
            return joined;
        }
        try {
            return super.getConnection();
        } catch (SQLException e) {
            // The pool says only how long it has waited; why it had to is below.
            SQLException reason = Connections.sqlCause(e);
            throw new SQLException(
                    "the database " + this + " cannot be reached: " + reason.getMessage(), reason.getSQLState(), e);
        }
    }

    /** The same database without the pool: each connection is a new one, and the caller's alone. */
    public DataSource unpooled() {
        return pool.getDataSource();
    }

    @Override
    public void close() {
        pool.close();
    }

    /** Where it leads, without a password. */
    @Override
    public String toString() {
        return url;
    }
}
