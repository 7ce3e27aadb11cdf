package io.pgcaravan.database;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Which of several servers will do: {@code target_session_attrs}. */
enum TargetSession {
    ANY,
    READ_WRITE,
    READ_ONLY,
    PRIMARY,
    STANDBY,
    PREFER_STANDBY;

    /** @throws IllegalArgumentException where libpq has no such value */
    static TargetSession parse(String text) {
        for (TargetSession session : values()) {
            if (session.toString().equals(text)) {
                return session;
            }
        }
        throw new IllegalArgumentException("has target_session_attrs=" + text + "; allowed are "
                + Arrays.stream(values()).map(TargetSession::toString).collect(Collectors.joining(", ")));
    }

    /** What to look for first among the hosts, and then. */
    List<TargetSession> inOrder() {
        return this == PREFER_STANDBY ? List.of(STANDBY, ANY) : List.of(this);
    }

    /** Why a server will not do; null where it will. */
    String unfit(Connection connection) throws SQLException {
        if (this == ANY) {
            return null;
        }
        boolean standby;
        boolean readOnly;
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "select pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean")) {
            row.next();
            standby = row.getBoolean(1);
            readOnly = standby || row.getBoolean(2);
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
        boolean fits =
                switch (this) {
                    case READ_WRITE -> !readOnly;
                    case READ_ONLY -> readOnly;
                    case PRIMARY -> !standby;
                    case STANDBY -> standby;
                    default -> true;
                };
        return fits
                ? null
                : "is " + (standby ? "a standby" : readOnly ? "read-only" : "no standby and takes writes")
                        + ", and target_session_attrs=" + this + " asks for another server";
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
