package io.pgcaravan.partition;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** Statements without parameters, many in one round trip. */
final class Ddl {

    /** Statements sent in one go. */
    private static final int AT_ONCE = 400;

    private Ddl() {}

    static void run(Connection target, List<String> statements) throws SQLException {
        try (Statement statement = target.createStatement()) {
            // a template's braces are its own, not JDBC's
            statement.setEscapeProcessing(false);
            for (int i = 0; i < statements.size(); i += AT_ONCE) {
                List<String> some = statements.subList(i, Math.min(statements.size(), i + AT_ONCE));
                // on a line of its own, as a template may end in a comment
                statement.execute(String.join("\n;\n", some));
            }
        }
    }
}
