package io.pgcaravan.check;

import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** The server behind a connection, and who we are there. */
record Server(
        String version,
        int number,
        String database,
        String role,
        String encoding,
        boolean standby,
        boolean temporaryTables) {

    private static final int OLDEST = 130_000;
    private static final String SQL = Sql.file("check/server");

    static Server of(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SQL)) {
            row.next();
            return new Server(
                    row.getString("version"),
                    row.getInt("number"),
                    row.getString("database"),
                    row.getString("role"),
                    row.getString("encoding"),
                    row.getBoolean("standby"),
                    row.getBoolean("temporary_tables"));
        }
    }

    /** Says whether the server will do. */
    void judge(String side, Object address, Findings findings) {
        if (number < OLDEST) {
            findings.problem(side + " (" + address + ") is PostgreSQL " + version
                    + "; 13 is the oldest that will do: upgrade it");
        } else if (standby) {
            findings.problem(side + " (" + address + ") is a standby, which takes no writes: connect to its primary"
                    + " (several hosts with target_session_attrs=read-write find it)");
        } else {
            findings.ok(side + ": database \"" + database + "\" as \"" + role + "\", PostgreSQL " + version + ", "
                    + encoding);
        }
    }
}
